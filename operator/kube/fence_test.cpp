#include "operator/kube/fence.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/channel.h"
#include "engine/base/log.h"
#include "operator/kube/client.h"
#include "operator/kube/event.h"
#include "operator/kube/kinds.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

using ::testing::ElementsAre;
using testing::FakeApiServer;
using ::testing::HasSubstr;
using testing::Misfortune;
using testing::Served;
using Kind = testing::Misfortune::Kind;

const Key key{"shop", "settings"};

SteadyTime in(Milliseconds span) {
  return SteadyClock::now() + span;
}

Object settings(const std::string& value = "v") {
  return Object(Json{{"metadata", {{"namespace", key.space}, {"name", key.name}}}, {"data", {{"key", value}}}});
}

TEST(Fence, is_closed_until_somebody_leads_and_names_the_lease) {
  Fence fence("ns/lease");
  const Result<Fence::Pass> pass = fence.pass(Deadline::never());
  ASSERT_FALSE(pass.ok());
  EXPECT_EQ(pass.error().fault, Fault::fenced);
  EXPECT_THAT(pass.error().what, HasSubstr("ns/lease"));
}

TEST(Fence, gives_no_change_longer_than_the_leadership_lasts) {
  Fence fence("ns/lease");
  const SteadyTime until = in(Seconds(60));
  ASSERT_TRUE(fence.extend(until));
  EXPECT_EQ(fence.pass(Deadline::never())->deadline().at(), until);
  const Deadline sooner = Deadline::after(Seconds(1));
  EXPECT_EQ(fence.pass(sooner)->deadline().at(), sooner.at());
}

TEST(Fence, never_opens_again_once_its_time_has_passed) {
  Fence fence("ns/lease");
  EXPECT_FALSE(fence.extend(in(Milliseconds(-1)))) << "an answer that came too late";
  EXPECT_FALSE(fence.extend(in(Seconds(60))));
  EXPECT_FALSE(fence.pass(Deadline::never()).ok());

  Fence led("ns/lease");
  const SteadyTime until = in(Milliseconds(1));
  ASSERT_TRUE(led.extend(until));
  std::this_thread::sleep_until(until);
  EXPECT_EQ(led.pass(Deadline::never()).error().fault, Fault::fenced);
  EXPECT_FALSE(led.extend(in(Seconds(60))));
  EXPECT_FALSE(led.pass(Deadline::never()).ok());
}

TEST(Fence, closes_for_good_and_waits_for_changes_on_their_way) {
  Fence fence("ns/lease");
  ASSERT_TRUE(fence.extend(in(Seconds(60))));
  {
    const Result<Fence::Pass> pass = fence.pass(Deadline::never());
    EXPECT_FALSE(fence.close({Deadline::after(Milliseconds(1))}));
  }
  EXPECT_TRUE(fence.close({}));
  EXPECT_FALSE(fence.extend(in(Seconds(60))));
  EXPECT_FALSE(fence.pass(Deadline::never()).ok());
}

// Which the API server counts from when it has the request, up to 4 s after the question.
TEST(Fence, a_change_of_unknown_outcome_is_on_its_way_until_its_deadline) {
  Fence fence("ns/lease");
  ASSERT_TRUE(fence.extend(in(Seconds(60))));
  const Deadline deadline = Deadline::after(Milliseconds(50));
  fence.doubt(*fence.pass(deadline));
  EXPECT_FALSE(fence.close({Deadline::after(Milliseconds(1))}));
  EXPECT_TRUE(fence.close({}));
  EXPECT_GE(SteadyClock::now(), deadline.at() + Seconds(4));
}

class FencedTransportTest : public ::testing::Test {
 protected:
  std::vector<std::string> served() const {
    std::vector<std::string> methods;
    for (const Served& one : server.served()) methods.push_back(name_of(one.method));
    return methods;
  }
  // Each verb of the client that changes something.
  std::vector<Result<void>> change_everything() {
    const auto outcome = [](const auto& result) -> Result<void> {
      if (!result.ok()) return result.error();
      return {};
    };
    return {outcome(client.create(kinds::config_maps, settings())),
            outcome(client.apply(kinds::config_maps, settings("w"))),
            outcome(client.merge_patch(kinds::config_maps, key, {{"data", {{"key", "x"}}}})),
            outcome(client.json_patch(kinds::config_maps, key,
                                      Json::parse(R"([{"op":"replace","path":"/data/key","value":"y"}])"))),
            outcome(client.remove(kinds::config_maps, key))};
  }

  FakeApiServer server;
  const std::unique_ptr<Transport> transport = open_rest_transport(server.config());
  Fence fence{"ns/lease"};
  FencedTransport fenced{*transport, fence};
  const Client client{fenced, {}, {}};
};

TEST_F(FencedTransportTest, lets_no_change_through_while_the_fence_is_closed) {
  for (const Result<void>& outcome : change_everything()) {
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().fault, Fault::fenced);
  }
  EXPECT_THAT(served(), ElementsAre());
}

// What passes through is noted.
class Noted final : public Transport {
 public:
  explicit Noted(Transport& inner) : inner_(inner) {}
  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override {
    requests.push_back(request);
    return inner_.send(request, deadline, std::move(stop));
  }
  Result<Opened> open(const Request& request, const StreamLimits& limits, std::stop_token stop) override {
    return inner_.open(request, limits, std::move(stop));
  }
  std::string host() const override { return inner_.host(); }
  std::vector<Request> requests;

 private:
  Transport& inner_;
};

TEST_F(FencedTransportTest, has_each_change_sent_within_four_seconds_or_not_at_all) {
  Noted noted(*transport);
  FencedTransport through(noted, fence);
  const Client changing(through, {}, {});
  ASSERT_TRUE(fence.extend(in(Seconds(60))));
  const SteadyTime before = SteadyClock::now();
  EXPECT_TRUE(changing.create(kinds::config_maps, settings()).ok());
  EXPECT_TRUE(changing.merge_patch(kinds::config_maps, key, {{"data", {{"key", "x"}}}}).ok());
  EXPECT_TRUE(changing.remove(kinds::config_maps, key).ok());
  ASSERT_EQ(noted.requests.size(), 3U);
  for (const Request& request : noted.requests) {
    ASSERT_TRUE(request.begin_by);
    EXPECT_GE(*request.begin_by, before + Seconds(4));
    EXPECT_LE(*request.begin_by, SteadyClock::now() + Seconds(4));
  }
}

TEST_F(FencedTransportTest, lets_everything_be_read_meanwhile) {
  server.put(kinds::config_maps, settings().json());
  EXPECT_TRUE(client.get(kinds::config_maps, key).ok());
  EXPECT_TRUE(client.list(kinds::config_maps, {}).ok());
  EXPECT_TRUE(fenced.open(watch(kinds::config_maps, {}, {"", 60}), {}, {}).ok());
}

TEST_F(FencedTransportTest, tells_the_server_by_when_a_change_must_be_carried_out) {
  ASSERT_TRUE(fence.extend(in(Seconds(9))));
  for (const Result<void>& outcome : change_everything()) EXPECT_TRUE(outcome.ok()) << describe(outcome.error());
  EXPECT_THAT(served(), ElementsAre("POST", "PATCH", "PATCH", "PATCH", "DELETE"));
  for (const Served& one : server.served()) {
    const std::size_t at = one.query.find("timeout=");
    ASSERT_NE(at, std::string::npos) << one.query;
    const std::string span = one.query.substr(at + 8);
    EXPECT_TRUE(span.ends_with("ms")) << span;
    EXPECT_GT(std::stoi(span), 0);
    EXPECT_LE(std::stoi(span), 9'000);
    EXPECT_EQ(one.query.find('?'), std::string::npos);
  }
}

TEST_F(FencedTransportTest, a_change_that_is_not_answered_is_given_up_with_the_leadership) {
  ASSERT_TRUE(fence.extend(in(Milliseconds(1'000))));
  server.fail_next(1, {.kind = Kind::stall});
  const Result<Object> created = client.create(kinds::config_maps, settings());
  EXPECT_EQ(created.error().fault, Fault::transient);
  EXPECT_THAT(created.error().what, HasSubstr("unknown"));
}

TEST_F(FencedTransportTest, a_change_that_is_to_be_repeated_asks_again) {
  ASSERT_TRUE(fence.extend(in(Seconds(60))));
  server.set_fate([&](const Served&) {
    fence.close({Deadline::after(Milliseconds(0))});
    return Misfortune{.kind = Kind::answer, .status = 429, .retry_after_seconds = 1};
  });
  EXPECT_EQ(client.create(kinds::config_maps, settings()).error().fault, Fault::fenced);
  EXPECT_THAT(served(), ElementsAre("POST"));
}

TEST_F(FencedTransportTest, a_change_whose_answer_was_lost_delays_the_closing) {
  const SteadyTime until = in(Milliseconds(300));
  ASSERT_TRUE(fence.extend(until));
  server.fail_next(1, {.kind = Kind::drop_after});
  ASSERT_FALSE(client.create(kinds::config_maps, settings()).ok());
  EXPECT_TRUE(fence.close({}));
  EXPECT_GE(SteadyClock::now(), until);
}

class NoAnswer final : public Transport {
 public:
  explicit NoAnswer(Fault fault) : fault_(fault) {}
  Result<Response> send(const Request&, Deadline, std::stop_token) override { return Error{fault_, "no answer"}; }
  Result<Opened> open(const Request&, const StreamLimits&, std::stop_token) override {
    return Error{fault_, "no answer"};
  }
  std::string host() const override { return "nowhere"; }

 private:
  const Fault fault_;
};

TEST_F(FencedTransportTest, only_a_change_that_may_still_be_carried_out_delays_the_closing) {
  for (const Fault fault : {Fault::transient, Fault::denied, Fault::invalid, Fault::failed, Fault::cancelled}) {
    Fence open{"ns/lease"};
    ASSERT_TRUE(open.extend(in(Seconds(60))));
    NoAnswer inner(fault);
    FencedTransport through(inner, open);
    ASSERT_FALSE(through.send(create(kinds::config_maps, settings()), Deadline::never(), {}).ok());
    const bool at_once = open.close({Deadline::after(Milliseconds(0))});
    EXPECT_EQ(at_once, fault != Fault::failed && fault != Fault::cancelled) << name_of(fault);
  }
}

TEST_F(FencedTransportTest, events_are_changes_too) {
  Channel<std::string> lines(100);
  log::write_to([&](std::string_view line) { lines.offer(std::string(line)); });
  {
    Events events(fenced, "tributary.dev/test", "me");
    events.emit(settings(), {.reason = "Unled", .action = "Tell", .note = "while another leads"});
    EXPECT_THAT(lines.take().value(), HasSubstr("ns/lease"));
  }
  log::write_to({});
  EXPECT_THAT(served(), ElementsAre());
}

}  // namespace
}  // namespace tributary::kube
