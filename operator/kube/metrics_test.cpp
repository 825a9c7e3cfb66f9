#include "operator/kube/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/channel.h"
#include "operator/kube/client.h"
#include "operator/kube/kinds.h"
#include "operator/kube/metered_transport.h"
#include "operator/kube/testing/fake_api_server.h"
#include "operator/kube/testing/read_exposition.h"

namespace tributary::kube {
namespace {

using ::testing::ElementsAre;
using testing::Exposed;
using testing::FakeApiServer;
using testing::Misfortune;
using Kind = Misfortune::Kind;

const Key a{"ns", "a"};

Exposed read(const std::string& text) {
  Result<Exposed> exposed = testing::read_exposition(text);
  EXPECT_TRUE(exposed.ok()) << describe(exposed.error()) << "\n" << text;
  return exposed.ok() ? std::move(exposed).value() : Exposed();
}

double value(const Exposed& exposed, const std::string& name, const std::map<std::string, std::string>& labels = {},
             std::string_view suffix = "") {
  const auto family = exposed.find(name);
  const testing::Sample* sample = family == exposed.end() ? nullptr : family->second.find(labels, suffix);
  EXPECT_TRUE(sample != nullptr) << name;
  return sample == nullptr ? -1 : sample->value;
}

class MetricsTest : public ::testing::Test {
 protected:
  Exposed scrape(const Queue::Figures& queue = {}, const std::vector<InHand>& in_hand = {}) {
    return read(metrics.text(queue, in_hand));
  }

  Metrics metrics{{.controller = "replication", .workers = 8, .host = "api:443"}};
};

TEST_F(MetricsTest, all_that_is_known_beforehand_is_there_from_the_start_with_zero) {
  const Exposed all = scrape();
  for (const char* result : {"success", "error", "requeue", "requeue_after"}) {
    EXPECT_EQ(value(all, "controller_runtime_reconcile_total", {{"controller", "replication"}, {"result", result}}), 0);
  }
  for (const char* name :
       {"controller_runtime_reconcile_errors_total", "controller_runtime_terminal_reconcile_errors_total",
        "controller_runtime_reconcile_panics_total", "controller_runtime_reconcile_timeouts_total",
        "controller_runtime_active_workers"}) {
    EXPECT_EQ(value(all, name, {{"controller", "replication"}}), 0) << name;
  }
  EXPECT_EQ(value(all, "controller_runtime_max_concurrent_reconciles", {{"controller", "replication"}}), 8);
  for (const char* name : {"workqueue_depth", "workqueue_adds_total", "workqueue_retries_total",
                           "workqueue_unfinished_work_seconds", "workqueue_longest_running_processor_seconds"}) {
    EXPECT_EQ(value(all, name, {{"name", "replication"}, {"controller", "replication"}}), 0) << name;
  }
  for (const char* verb : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(value(all, "rest_client_request_duration_seconds", {{"verb", verb}, {"host", "api:443"}}, "_count"), 0);
    for (const char* code : {"<error>", "200", "409", "500"}) {
      EXPECT_EQ(value(all, "rest_client_requests_total", {{"method", verb}, {"code", code}, {"host", "api:443"}}), 0);
    }
  }
}

TEST_F(MetricsTest, the_buckets_are_those_of_controller_runtime_and_client_go) {
  const Exposed all = scrape();
  const auto buckets = [&](const char* name, const std::map<std::string, std::string>& labels = {}) {
    std::vector<std::string> bounds;
    for (const testing::Sample& sample : all.at(name).samples) {
      const bool fits = std::all_of(labels.begin(), labels.end(),
                                    [&](const auto& label) { return sample.labels.at(label.first) == label.second; });
      if (sample.suffix == "_bucket" && fits) bounds.push_back(sample.labels.at("le"));
    }
    return bounds;
  };
  const std::vector<std::string> passes = buckets("controller_runtime_reconcile_time_seconds");
  ASSERT_EQ(passes.size(), 41U);
  EXPECT_EQ(passes.front(), "0.005");
  EXPECT_EQ(passes[39], "60");
  const std::vector<std::string> waits = buckets("workqueue_queue_duration_seconds");
  ASSERT_EQ(waits.size(), 13U);
  EXPECT_EQ(std::stod(waits.front()), 1e-8);
  EXPECT_EQ(waits[11], "1000");
  EXPECT_EQ(buckets("workqueue_work_duration_seconds"), waits);
  EXPECT_THAT(buckets("rest_client_request_duration_seconds", {{"verb", "GET"}}),
              ElementsAre("0.005", "0.025", "0.1", "0.25", "0.5", "1", "2", "4", "8", "15", "30", "60", "+Inf"));
}

TEST_F(MetricsTest, a_pass_is_counted_by_its_end_and_its_length) {
  metrics.pass_ended(PassEnd::success, Metrics::Span(0.02));
  metrics.pass_ended(PassEnd::requeue_after, Metrics::Span(0.02));
  metrics.pass_ended(PassEnd::error, Metrics::Span(3));
  metrics.pass_ended(PassEnd::panic, Metrics::Span(0));
  const Exposed all = scrape();
  const auto total = [&](const char* result) {
    return value(all, "controller_runtime_reconcile_total", {{"result", result}});
  };
  EXPECT_EQ(total("success"), 1);
  EXPECT_EQ(total("requeue_after"), 1);
  EXPECT_EQ(total("error"), 2);
  EXPECT_EQ(value(all, "controller_runtime_reconcile_errors_total"), 2);
  EXPECT_EQ(value(all, "controller_runtime_reconcile_panics_total"), 1);
  for (const char* name : {"controller_runtime_reconcile_time_seconds", "workqueue_work_duration_seconds"}) {
    EXPECT_EQ(value(all, name, {}, "_count"), 4) << name;
    EXPECT_NEAR(value(all, name, {}, "_sum"), 3.04, 1e-9) << name;
  }
}

TEST_F(MetricsTest, what_is_in_hand_shows_for_how_long) {
  const SteadyTime now = SteadyClock::now();
  const Exposed all = scrape({.depth = 3, .added = 7, .retried = 2},
                             {{a, now - Seconds(100)}, {{"ns", "b"}, now - Seconds(400)}, {{"ns", "c"}, now}});
  EXPECT_EQ(value(all, "controller_runtime_active_workers"), 3);
  EXPECT_EQ(value(all, "workqueue_depth"), 3);
  EXPECT_EQ(value(all, "workqueue_adds_total"), 7);
  EXPECT_EQ(value(all, "workqueue_retries_total"), 2);
  EXPECT_GE(value(all, "workqueue_unfinished_work_seconds"), 500);
  EXPECT_GE(value(all, "workqueue_longest_running_processor_seconds"), 400);
  EXPECT_LT(value(all, "workqueue_longest_running_processor_seconds"), 500);
}

TEST_F(MetricsTest, a_lease_is_not_held_until_it_is_said_to_be) {
  EXPECT_TRUE(scrape()["leader_election_master_status"].samples.empty()) << "no election, no leader";
  metrics.set_leader("tributary-operator", false);
  EXPECT_EQ(value(scrape(), "leader_election_master_status", {{"name", "tributary-operator"}}), 0);
  EXPECT_EQ(value(scrape(), "leader_election_slowpath_total", {{"name", "tributary-operator"}}), 0);
  metrics.set_leader("tributary-operator", true);
  metrics.count_slow_path("tributary-operator");
  EXPECT_EQ(value(scrape(), "leader_election_master_status"), 1);
  EXPECT_EQ(value(scrape(), "leader_election_slowpath_total"), 1);
  metrics.set_leader("tributary-operator", false);
  EXPECT_EQ(value(scrape(), "leader_election_master_status"), 0);
}

TEST_F(MetricsTest, queue_and_workers_tell_it_what_they_do) {
  Queue queue({.item_first = Milliseconds(1)}, metrics);
  Channel<bool> go_on(1);
  Channel<bool> in_reconcile(1);
  std::atomic<int> tries = 0;
  Workers workers(
      "replication", queue,
      [&](const Key&, std::stop_token) -> Result<Requeue> {
        in_reconcile.put(true);
        go_on.take();
        const int now = ++tries;
        if (now == 1) throw 7;
        if (now == 2) return Error{Fault::transient, "not yet"};
        return Requeue{};
      },
      1, metrics);
  queue.add(a);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(in_reconcile.take());
    ASSERT_EQ(workers.in_hand().size(), 1U);
    EXPECT_EQ(workers.in_hand()[0].key, a);
    EXPECT_LE(workers.in_hand()[0].since, SteadyClock::now());
    go_on.put(true);
  }
  workers.stop();
  EXPECT_TRUE(workers.in_hand().empty());
  const Exposed all = scrape(queue.figures(), workers.in_hand());
  EXPECT_EQ(value(all, "controller_runtime_reconcile_total", {{"result", "success"}}), 1);
  EXPECT_EQ(value(all, "controller_runtime_reconcile_total", {{"result", "error"}}), 2);
  EXPECT_EQ(value(all, "controller_runtime_reconcile_panics_total"), 1);
  EXPECT_EQ(value(all, "workqueue_adds_total"), 3);
  EXPECT_EQ(value(all, "workqueue_retries_total"), 2);
  EXPECT_EQ(value(all, "workqueue_queue_duration_seconds", {}, "_count"), 3);
  EXPECT_LT(value(all, "workqueue_queue_duration_seconds", {}, "_sum"), 60) << "from when it was due";
}

class MeteredTransportTest : public MetricsTest {
 protected:
  double requests(const char* method, const char* code) {
    return value(scrape(), "rest_client_requests_total", {{"method", method}, {"code", code}});
  }

  FakeApiServer server;
  const std::unique_ptr<Transport> rest = open_rest_transport(server.config());
  MeteredTransport transport{*rest, metrics};
  Client client{transport, {.retry_wait = Milliseconds(5'000)}, {}};
};

TEST_F(MeteredTransportTest, requests_are_counted_by_method_and_answer) {
  EXPECT_FALSE(client.get(kinds::pods, {"ns", "none"}).ok());
  EXPECT_TRUE(client.list(kinds::pods, {}).ok());
  EXPECT_TRUE(client.create(kinds::config_maps, Object(Json{{"metadata", {{"name", "a"}, {"namespace", "ns"}}}})).ok());
  EXPECT_TRUE(client.remove(kinds::config_maps, a).ok());
  Request watch = kube::watch(kinds::pods, {}, {"100", 300});
  EXPECT_TRUE(transport.open(watch, {}, {}).ok());
  EXPECT_EQ(requests("GET", "404"), 1);
  EXPECT_EQ(requests("GET", "200"), 2);
  EXPECT_EQ(requests("POST", "201"), 1);
  EXPECT_EQ(requests("DELETE", "200"), 1);
  const Exposed all = scrape();
  EXPECT_EQ(value(all, "rest_client_request_duration_seconds", {{"verb", "GET"}}, "_count"), 3);
  EXPECT_GT(value(all, "rest_client_request_duration_seconds", {{"verb", "GET"}}, "_sum"), 0);
  EXPECT_EQ(value(all, "rest_client_rate_limiter_duration_seconds", {{"verb", "GET"}}, "_count"), 3);
}

TEST_F(MeteredTransportTest, what_is_sent_again_is_counted_with_the_answer_that_made_it) {
  server.fail_next(1, {.kind = Kind::answer, .status = 429, .reason = "TooManyRequests", .retry_after_seconds = 1});
  EXPECT_TRUE(client.list(kinds::pods, {}).ok());
  server.fail_next(1, {.kind = Kind::drop});
  EXPECT_TRUE(client.list(kinds::pods, {}).ok());
  EXPECT_EQ(requests("GET", "429"), 1);
  EXPECT_EQ(requests("GET", "200"), 2);
  const Exposed all = scrape();
  const auto repeated = [&](const char* code) {
    return value(all, "rest_client_request_retries_total", {{"verb", "GET"}, {"code", code}});
  };
  EXPECT_EQ(repeated("429"), 1);
  EXPECT_EQ(repeated("500"), 0);
  // The library may repeat a read by itself on a connection that was closed (see rest_transport.cpp).
  EXPECT_EQ(repeated("<error>"), requests("GET", "<error>"));
}

TEST_F(MeteredTransportTest, a_server_that_is_not_there_is_an_error_without_a_code) {
  ClusterConfig config;
  config.server = "http://127.0.0.1:1/api";
  const auto nowhere = open_rest_transport(config);
  MeteredTransport metered(*nowhere, metrics);
  EXPECT_FALSE(metered.send(kube::get(kinds::pods, a), Deadline::after(Seconds(10)), {}).ok());
  EXPECT_EQ(requests("GET", "<error>"), 1);
  EXPECT_EQ(metered.host(), "127.0.0.1:1");
}

}  // namespace
}  // namespace tributary::kube
