#include "operator/endpoints/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>

#include "engine/serve/server.h"
#include "operator/kube/metered_transport.h"
#include "operator/kube/testing/read_exposition.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::endpoints {
namespace {

using kube::testing::Exposed;
using kube::testing::Misfortune;
using kube::testing::Sample;
using kube::testing::Served;
using replication::testing::Bed;
using replication::testing::comes_true;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The operator over an API server in this process, and what it serves over HTTP.
class EndpointsTest : public ::testing::Test {
 protected:
  void open() {
    replication::ControllerOptions options{.image = "tributary:test", .workers = 2, .meter = &metrics};
    options.ask = [this](const std::string& ip, std::stop_token stop) {
      const auto answer = bed.ask_engine()(ip, std::move(stop));
      while (hold) std::this_thread::yield();
      return answer;
    };
    controller = std::make_unique<replication::Controller>(transport, std::move(options));
    const auto complaint = [this](SteadyTime now) { return controller->complaint(now + later.load()); };
    probes = serve::Server::open("127.0.0.1:0", probes_of(*controller, complaint)).value();
    scraped = serve::Server::open("127.0.0.1:0", metrics_of(*controller, metrics)).value();
  }
  void start() {
    const Result<void> started = controller->start(Deadline::after(Seconds(10)), {});
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  ~EndpointsTest() override { hold = false; }

  static kube::Response get(const serve::Server& server, const std::string& path) {
    kube::ClusterConfig config;
    config.server = "http://127.0.0.1:" + std::to_string(server.port());
    kube::Request request;
    request.path = path;
    Result<kube::Response> answer = kube::open_rest_transport(config)->send(request, Deadline::after(Seconds(30)), {});
    EXPECT_TRUE(answer.ok()) << describe(answer.error());
    return answer.ok() ? std::move(answer).value() : kube::Response();
  }
  kube::Response probe(const std::string& path) const { return get(*probes, path); }
  Exposed scrape() const {
    const kube::Response answer = get(*scraped, "/metrics");
    Result<Exposed> exposed = kube::testing::read_exposition(answer.body);
    EXPECT_TRUE(exposed.ok()) << describe(exposed.error()) << "\n" << answer.body;
    return exposed.ok() ? std::move(exposed).value() : Exposed();
  }

  // -1 where there is no such sample, or several.
  double value(const std::string& name, const std::map<std::string, std::string>& labels = {},
               std::string_view suffix = "") const {
    const Exposed all = scrape();
    const Sample* sample = all.at(name).find(labels, suffix);
    return sample == nullptr ? -1 : sample->value;
  }

  // Copies, follows, has been compared: everything has a value.
  void follow() {
    open();
    start();
    ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
    bed.succeed();
    ASSERT_TRUE(comes_true([&] { return !bed.deployment().json().is_null(); }));
    bed.answer(replication::testing::following(0));
    bed.run_stream();
    ASSERT_TRUE(comes_true([&] { return bed.reason() == "Following"; }));
  }

  Bed bed{"SnapshotAndSync"};
  kube::Metrics metrics{{.controller = "replication", .workers = 2, .host = "api"}};
  kube::MeteredTransport transport{*bed.transport, metrics};
  std::atomic<bool> hold = false;           // engines take their time to answer
  std::atomic<Seconds> later = Seconds(0);  // than it is, for whoever complains
  std::unique_ptr<replication::Controller> controller;
  std::unique_ptr<serve::Server> probes;
  std::unique_ptr<serve::Server> scraped;
};

TEST_F(EndpointsTest, before_the_start_it_is_healthy_and_not_ready) {
  open();
  EXPECT_EQ(probe("/healthz").status, 200);
  EXPECT_EQ(probe("/readyz").status, 503);
  EXPECT_EQ(probe("/startupz").status, 503);
  start();
  for (const char* path : {"/healthz", "/readyz", "/startupz"}) EXPECT_EQ(probe(path).status, 200) << path;
  controller->stop();
  EXPECT_EQ(probe("/readyz").status, 503);
  EXPECT_THAT(probe("/readyz").body, HasSubstr("begins or ends"));
  EXPECT_EQ(probe("/startupz").status, 200) << "it has started, once";
  EXPECT_EQ(probe("/healthz").status, 200);
}

TEST_F(EndpointsTest, a_cache_that_is_not_filled_is_named_with_the_last_error) {
  bed.server.set_fate([](const Served& served) {
    return served.path.ends_with("/secrets")
               ? Misfortune{Misfortune::Kind::answer, 403, "Forbidden", "secrets is forbidden: User tributary"}
               : Misfortune{};
  });
  open();
  ASSERT_TRUE(comes_true([&] { return probe("/readyz").body.find("User tributary") != std::string::npos; }));
  ASSERT_TRUE(comes_true([&] { return controller->unfilled().size() == 1; }));
  const kube::Response answer = probe("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("secrets of all namespaces are not listed yet, for "),
                                 HasSubstr("secrets is forbidden: User tributary"), Not(HasSubstr("pods"))));
  EXPECT_EQ(value("replication_watch_forbidden", {{"kind", "Secret"}}), 1);
}

TEST_F(EndpointsTest, a_worker_that_is_stuck_is_not_healthy_and_says_with_what) {
  open();
  hold = true;
  start();
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  bed.run_pod();
  ASSERT_TRUE(comes_true([&] { return bed.asked() > 0; })) << "a worker waits for an engine";
  later = Seconds(12 * 30);
  EXPECT_EQ(probe("/healthz").status, 200) << "a dozen requests of 30 s each are legitimate";
  later = Seconds(660);
  EXPECT_EQ(probe("/healthz").status, 503);
  EXPECT_THAT(probe("/healthz").body, HasSubstr("a worker has been at prod/shop for 11m"));
  EXPECT_GT(value("workqueue_longest_running_processor_seconds", {}), 0);
  EXPECT_EQ(probe("/readyz").status, 200);
  hold = false;
  EXPECT_TRUE(comes_true([&] { return probe("/healthz").status == 200; }));
}

TEST_F(EndpointsTest, metrics_are_of_the_type_that_prometheus_asks_for) {
  follow();
  EXPECT_EQ(get(*scraped, "/metrics").status, 200);
  EXPECT_EQ(get(*scraped, "/").status, 404);
  EXPECT_EQ(get(*probes, "/metrics").status, 404);
  const std::map<std::string, std::string> shop = {{"namespace", "prod"}, {"name", "shop"}};
  EXPECT_EQ(value("replication_lag_seconds", shop), 0);
  EXPECT_GT(value("controller_runtime_reconcile_total", {{"result", "requeue_after"}}), 0);
  EXPECT_GT(value("rest_client_requests_total", {{"method", "PATCH"}, {"code", "200"}}), 0);
  EXPECT_GT(value("workqueue_adds_total", {}), 0);
  EXPECT_GT(value("workqueue_queue_duration_seconds", {}, "_count"), 0);
}

TEST_F(EndpointsTest, a_deletion_that_leaves_something_is_counted) {
  follow();
  bed.change(kube::Json::parse(R"({"spec":{"deletion":{"timeout":"0s"}}})"));
  EXPECT_EQ(value("replication_cleanup_orphaned_total", {{"namespace", "prod"}}), 0);
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
  EXPECT_TRUE(comes_true([&] {
    const Exposed all = scrape();
    return value("replication_cleanup_orphaned_total", {{"namespace", "prod"}}) == 1 &&
           all.at("replication_info").samples.empty() && all.at("replication_lag_seconds").samples.empty();
  }));
}

// The rows of the operator's table of metrics: "name|type|labels".
std::set<std::string> documented() {
  std::ifstream file(std::string(TRIBUTARY_ROOT) + "/docs/metrics.md");
  std::set<std::string> rows;
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) here = line == "## The operator";
    if (!here || !line.starts_with("| `")) continue;
    std::erase_if(line, [](char letter) { return letter == '`' || letter == ' '; });
    std::istringstream cells(line.substr(1));
    std::string name, type, labels;
    std::getline(cells, name, '|');
    std::getline(cells, type, '|');
    std::getline(cells, labels, '|');
    EXPECT_TRUE(rows.insert(name + "|" + type + "|" + labels).second) << name << " twice";
  }
  return rows;
}

TEST_F(EndpointsTest, every_metric_is_documented_with_its_type_and_labels_and_nothing_else_is) {
  follow();
  kube::Json object = bed.server.find(replication::replications(), replication::testing::shop).json();
  object["status"]["verify"] = {{"result", "Equal"}, {"tablesMismatched", 0}};
  bed.server.put(replication::replications(), object);
  metrics.set_leader("tributary-operator", false);
  ASSERT_TRUE(comes_true([&] { return !scrape().at("replication_verify_mismatched_tables").samples.empty(); }));
  std::set<std::string> served;
  for (const auto& [name, family] : scrape()) {
    EXPECT_FALSE(family.samples.empty()) << name << " has nothing to be compared";
    std::string labels;
    for (const std::string& label : family.label_names()) labels += (labels.empty() ? "" : ",") + label;
    served.insert(name + "|" + family.type + "|" + labels);
  }
  EXPECT_EQ(documented(), served);
}

}  // namespace
}  // namespace tributary::endpoints
