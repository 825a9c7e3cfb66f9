#include "operator/kube/lease.h"

#include <spawn.h>
#include <sys/wait.h>
#include <atomic>
#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/channel.h"
#include "operator/kube/client.h"
#include "operator/kube/kinds.h"
#include "operator/kube/testing/condition.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

using testing::FakeApiServer;
using ::testing::HasSubstr;
using testing::Misfortune;
using testing::Served;
using Kind = testing::Misfortune::Kind;

const Key name{"system", "operator"};
const Key settings{"shop", "settings"};
constexpr const char* server_variable = "TRIBUTARY_TEST_SERVER";

// Short enough for a test to see a lease expire, and long enough for a slow machine to renew it.
constexpr leasing::Terms short_terms{
    .lease = Milliseconds(5'000), .renew = Milliseconds(4'000), .retry = Milliseconds(100)};

// One operator, as far as the lease goes.
struct Operator {
  Operator(const ClusterConfig& config, const std::string& identity, leasing::Terms terms = {})
      : transport(open_rest_transport(config, {.user_agent = identity})),
        fence(name.text()),
        fenced(*transport, fence),
        client(fenced, {}, {}),
        lease(*transport, fence,
              {.name = name,
               .identity = identity,
               .terms = terms,
               .looked = [this] { ++looks; },
               .lost = [this](const Error& error) { lost.put(error); }}) {}

  Result<Object> write(const std::string& value) const {
    return client.merge_patch(kinds::config_maps, settings, {{"data", {{"key", value}}}});
  }

  std::atomic<int> looks = 0;
  Channel<Error> lost{1};
  const std::unique_ptr<Transport> transport;
  Fence fence;
  FencedTransport fenced;
  Client client;
  Lease lease;
};

bool comes_true(const std::function<bool()>& condition) {
  return testing::comes_true(condition, Seconds(60));
}

class LeaseTest : public ::testing::Test {
 protected:
  LeaseTest() {
    server.put(kinds::config_maps, {{"metadata", {{"namespace", settings.space}, {"name", settings.name}}}});
  }
  leasing::Record record() const { return leasing::record_of(server.find(kinds::leases, name)); }
  void put_lease(const leasing::Record& held) {
    const Object blank(Json{{"metadata", {{"namespace", name.space}, {"name", name.name}, {"labels", {{"a", "b"}}}}}});
    server.put(kinds::leases, leasing::with_record(blank, held).json());
  }
  // The requests of one of them get nowhere.
  void cut_off(const std::string& identity) {
    server.set_fate([identity](const Served& served) {
      return served.user_agent == identity ? Misfortune{.kind = Kind::drop} : Misfortune{};
    });
  }

  FakeApiServer server;
};

TEST(LeaseIdentity, is_another_one_each_time) {
  const std::string one = lease_identity("pod-1"), other = lease_identity("pod-1");
  EXPECT_NE(one, other);
  EXPECT_TRUE(one.starts_with("pod-1_"));
  EXPECT_EQ(one.size(), 6U + 16);
}

TEST_F(LeaseTest, whoever_comes_first_leads_and_may_change_things) {
  Operator first(server.config(), "first");
  EXPECT_EQ(first.write("early").error().fault, Fault::fenced);
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  EXPECT_TRUE(first.lease.leads());
  EXPECT_TRUE(first.write("led").ok());
  EXPECT_EQ(record().holder, "first");
  EXPECT_EQ(record().duration_seconds, 15);
  EXPECT_EQ(record().transitions, 0);
}

TEST_F(LeaseTest, the_lease_is_renewed_and_keeps_what_others_wrote_into_it) {
  put_lease({});
  Operator first(server.config(), "first", short_terms);
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  const leasing::Record taken = record();
  ASSERT_TRUE(comes_true([&] { return record() != taken; }));
  EXPECT_EQ(first.looks, 1) << "a renewal is written at once";
  EXPECT_EQ(record().holder, "first");
  EXPECT_EQ(record().acquired, taken.acquired);
  EXPECT_EQ(record().transitions, taken.transitions);
  EXPECT_EQ(server.find(kinds::leases, name).label("a"), "b");
}

TEST_F(LeaseTest, a_leader_that_dies_is_replaced_when_its_lease_has_expired) {
  auto first = std::make_unique<Operator>(server.config(), "first", short_terms);
  ASSERT_TRUE(first->lease.wait_to_lead({}).ok());
  first.reset();
  const SteadyTime died = SteadyClock::now();
  Operator second(server.config(), "second", short_terms);
  ASSERT_TRUE(second.lease.wait_to_lead({}).ok());
  EXPECT_GE(SteadyClock::now() - died, short_terms.lease);
  EXPECT_EQ(record().holder, "second");
  EXPECT_EQ(record().transitions, 1);
}

TEST_F(LeaseTest, a_clean_end_hands_the_lease_over_without_waiting_for_it_to_expire) {
  Operator first(server.config(), "first");
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  ASSERT_TRUE(first.write("led").ok());
  first.lease.hand_over({});
  EXPECT_EQ(record().holder, "");
  EXPECT_EQ(record().duration_seconds, 1);
  EXPECT_EQ(first.write("over").error().fault, Fault::fenced);
  Operator second(server.config(), "second");
  ASSERT_TRUE(second.lease.wait_to_lead({}).ok());
  EXPECT_EQ(record().transitions, 1);
  EXPECT_TRUE(first.lost.offer({})) << "it was not lost";
}

// No more than 4.4 s later: lease_state_test.cpp.
TEST_F(LeaseTest, one_that_waits_leads_after_a_clean_end_as_soon_as_it_looks) {
  Operator first(server.config(), "first"), second(server.config(), "second");
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  std::jthread waiting([&](const std::stop_token& stop) { EXPECT_TRUE(second.lease.wait_to_lead(stop).ok()); });
  const auto requests_of_second = [&] {
    std::string methods;
    for (const Served& one : server.served())
      if (one.user_agent == "second") methods += name_of(one.method) + std::string(" ");
    return methods;
  };
  ASSERT_TRUE(comes_true([&] { return !requests_of_second().empty(); }));
  first.lease.hand_over({});
  const std::string looks = requests_of_second();
  waiting.join();
  EXPECT_EQ(requests_of_second().substr(looks.size()), "GET PUT ");
}

TEST_F(LeaseTest, a_lease_that_was_changed_meanwhile_is_handed_over_all_the_same) {
  Operator first(server.config(), "first");
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  Json labelled = server.find(kinds::leases, name).json();
  labelled["metadata"]["labels"]["by"] = "somebody";
  server.put(kinds::leases, labelled);
  first.lease.hand_over({});
  EXPECT_EQ(record().holder, "");
  EXPECT_EQ(server.find(kinds::leases, name).label("by"), "somebody");
}

TEST_F(LeaseTest, a_leader_that_cannot_renew_loses_it_and_changes_nothing_more_before_another_leads) {
  Operator first(server.config(), "first", short_terms), second(server.config(), "second", short_terms);
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  cut_off("first");
  const Error error = first.lost.take().value();
  EXPECT_THAT(error.what, HasSubstr("system/operator"));
  EXPECT_THAT(error.what, HasSubstr("not renewed"));
  EXPECT_FALSE(first.lease.leads());
  server.set_fate({});
  EXPECT_EQ(first.write("late").error().fault, Fault::fenced);
  EXPECT_EQ(record().holder, "first");
  ASSERT_TRUE(second.lease.wait_to_lead({}).ok());
  EXPECT_EQ(first.write("too late").error().fault, Fault::fenced);
  EXPECT_TRUE(second.write("led").ok());
}

TEST_F(LeaseTest, a_leader_that_finds_another_holder_ends_at_once) {
  Operator first(server.config(), "first", short_terms);
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  put_lease({"somebody", 15, "a", "r", 9});
  EXPECT_THAT(first.lost.take().value().what, HasSubstr("held by somebody"));
}

TEST_F(LeaseTest, an_api_server_that_refuses_is_asked_again) {
  server.fail_next(3, {.kind = Kind::answer, .status = 403, .reason = "Forbidden", .message = "no"});
  Operator first(server.config(), "first", short_terms);
  EXPECT_TRUE(first.lease.wait_to_lead({}).ok());
}

TEST_F(LeaseTest, a_stop_ends_the_wait) {
  put_lease({"somebody", 15, "a", "r", 9});
  Operator first(server.config(), "first");
  std::stop_source stop;
  server.set_fate([&](const Served&) {
    stop.request_stop();
    return Misfortune{};
  });
  EXPECT_EQ(first.lease.wait_to_lead(stop.get_token()).error().fault, Fault::cancelled);
  first.lease.hand_over({});
  EXPECT_EQ(record().holder, "somebody") << "what was never held is not given back";
}

TEST_F(LeaseTest, a_claim_on_its_way_at_the_end_is_waited_for_and_given_back) {
  Operator first(server.config(), "first");
  std::stop_source stop;
  server.set_fate([&](const Served& served) {
    if (served.method != Method::post) return Misfortune{};
    stop.request_stop();
    return Misfortune{.delay = Milliseconds(500)};
  });
  const bool leads = first.lease.wait_to_lead(stop.get_token()).ok();
  first.lease.hand_over({});
  ASSERT_TRUE(comes_true([&] { return !server.find(kinds::leases, name).json().is_null(); }));
  EXPECT_EQ(record().holder, "") << "it " << (leads ? "led" : "did not lead") << " for a moment";
}

TEST_F(LeaseTest, a_leader_whose_lease_was_long_anothers_is_a_case_for_the_watchdog) {
  Operator first(server.config(), "first");
  EXPECT_EQ(first.lease.complaint(SteadyClock::now() + std::chrono::hours(1)), std::nullopt);
  const SteadyTime began = SteadyClock::now();
  ASSERT_TRUE(first.lease.wait_to_lead({}).ok());
  EXPECT_EQ(first.lease.complaint(began + Seconds(34)), std::nullopt);
  EXPECT_NE(first.lease.complaint(SteadyClock::now() + Seconds(35)), std::nullopt);
}

// Not a test: the other process of the next one.
TEST(LeaseProcess, DISABLED_leads_and_writes_until_the_lease_is_lost) {
  ClusterConfig config;
  config.server = std::getenv(server_variable);
  const auto transport = open_rest_transport(config, {.user_agent = "frozen"});
  Fence fence(name.text());
  FencedTransport fenced(*transport, fence);
  const Client client(fenced, {}, {});
  Lease lease(*transport, fence,
              {.name = name, .identity = "frozen", .terms = short_terms, .lost = [](const Error&) { std::_Exit(7); }});
  ASSERT_TRUE(lease.wait_to_lead({}).ok());
  std::vector<std::jthread> writers;
  for (int i = 0; i < 6; ++i)
    writers.emplace_back([&, i] {
      for (int n = 0;; ++n) {
        const Json change = {{"data", {{"frozen" + std::to_string(i), std::to_string(n)}}}};
        (void)client.merge_patch(kinds::config_maps, settings, change);
      }
    });
}

class OtherProcess {
 public:
  explicit OtherProcess(const std::string& server) {
    std::vector<std::string> words = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                                      "--gtest_filter=LeaseProcess.DISABLED_*"};
    std::vector<std::string> variables = {std::string(server_variable) + "=" + server};
    for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> all;
      for (std::string& text : texts) all.push_back(text.data());
      all.push_back(nullptr);
      return all;
    };
    const int failed =
        posix_spawn(&pid_, words[0].c_str(), nullptr, nullptr, pointers(words).data(), pointers(variables).data());
    EXPECT_EQ(failed, 0);
  }
  ~OtherProcess() {
    if (ended_) return;
    send(SIGKILL);
    wait();
  }
  void send(int signal) const { kill(pid_, signal); }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  bool ended_ = false;
};

TEST_F(LeaseTest, a_process_that_was_frozen_in_the_middle_of_its_writes_writes_nothing_when_it_wakes_up) {
  const auto writes_of_frozen = [&] {
    const std::vector<Served> all = server.served();
    return std::count_if(all.begin(), all.end(),
                         [](const Served& one) { return one.method == Method::patch && one.user_agent == "frozen"; });
  };
  // New connections now and then, so that it is frozen in the middle of making one, too.
  std::atomic<int> requests = 0;
  server.set_fate([&](const Served& one) {
    const bool drop = one.method == Method::patch && one.user_agent == "frozen" && ++requests % 3 == 0;
    return drop ? Misfortune{.kind = Kind::drop} : Misfortune{};
  });
  OtherProcess other(server.url());
  ASSERT_TRUE(comes_true([&] { return writes_of_frozen() >= 100; }));
  other.send(SIGSTOP);
  Operator second(server.config(), "second", short_terms);
  ASSERT_TRUE(second.lease.wait_to_lead({}).ok());
  ASSERT_TRUE(second.write("led").ok());
  const auto before = writes_of_frozen();
  const std::string version = server.find(kinds::config_maps, settings).resource_version();
  other.send(SIGCONT);
  EXPECT_EQ(other.wait(), 7) << "it ends as one that has lost the lease";
  EXPECT_EQ(writes_of_frozen(), before);
  EXPECT_EQ(server.find(kinds::config_maps, settings).resource_version(), version);
  EXPECT_EQ(record().holder, "second");
}

}  // namespace
}  // namespace tributary::kube
