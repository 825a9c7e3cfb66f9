#include "operator/replication/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/testing/read_exposition.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Exposed;
using kube::testing::Misfortune;
using kube::testing::Sample;
using kube::testing::Served;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Labels = std::map<std::string, std::string>;

const Labels of_shop{{"namespace", "prod"}, {"name", "shop"}};

// Caches over an API server, and a listener that heard what the test says.
class ReplicationMetricsTest : public ::testing::Test {
 protected:
  ReplicationMetricsTest() { EXPECT_TRUE(scopes[0]->wait_synced(Deadline::after(Seconds(10)), {})); }

  Exposed scrape() const {
    const std::string text = replication_metrics({scopes, listener, orphaned, at_work, now});
    Result<Exposed> exposed = kube::testing::read_exposition(text);
    EXPECT_TRUE(exposed.ok()) << describe(exposed.error()) << "\n" << text;
    return exposed.ok() ? std::move(exposed).value() : Exposed();
  }
  // Of the only sample; nothing when there is none.
  std::optional<double> value(const std::string& name, const Labels& labels = of_shop) const {
    const Exposed exposed = scrape();
    const Sample* sample = exposed.at(name).find(labels);
    return sample == nullptr ? std::nullopt : std::optional(sample->value);
  }
  std::vector<Labels> labels(const std::string& name) const {
    std::vector<Labels> all;
    const Exposed exposed = scrape();
    for (const Sample& sample : exposed.at(name).samples) all.push_back(sample.labels);
    return all;
  }

  void put(Json status, const std::string& name = "shop") {
    Json object = bed.server.find(replications(), shop).json();
    object["metadata"] = {{"name", name}, {"namespace", "prod"}};
    object["status"] = std::move(status);
    const kube::Object stored = bed.server.put(replications(), object);
    EXPECT_TRUE(comes_true([&] {
      const kube::Seen seen = scopes[0]->objects().find(stored.key());
      return seen && seen->resource_version() == stored.resource_version();
    }));
  }
  void hear(api::Progress progress) {
    progress.replication = uid_of_shop();
    answer = std::move(progress);
    listen();
  }
  void stay_silent() {
    answer = Error{Fault::transient, "refused"};
    listen();
  }
  void listen() { listener.listen(uid_of_shop(), uid_of_shop(), {stream_pod(running())}, now, {}); }
  std::string uid_of_shop() const { return scopes[0]->objects().find(shop)->uid(); }

  Bed bed;
  kube::Queue queue;
  WallTime now = noon;
  bool at_work = true;
  std::map<std::string, std::uint64_t> orphaned;
  Result<api::Progress> answer = Error{};
  Listener listener{[this](const std::string&, std::stop_token) { return answer; }};
  std::vector<std::unique_ptr<Scope>> scopes = [this] {
    std::vector<std::unique_ptr<Scope>> one;
    one.push_back(std::make_unique<Scope>(*bed.transport, "", queue));
    return one;
  }();
};

TEST_F(ReplicationMetricsTest, an_object_that_nobody_has_looked_at_is_pending) {
  EXPECT_EQ(value("replication_info", {{"namespace", "prod"}, {"name", "shop"}, {"mode", "Snapshot"}}), 1);
  EXPECT_EQ(value("replication_phase", {{"namespace", "prod"}, {"name", "shop"}, {"phase", "Pending"}}), 1);
  EXPECT_THAT(labels("replication_condition"), IsEmpty());
  for (const char* name : {"replication_lag_seconds", "replication_lag_bytes", "replication_retained_bytes",
                           "replication_snapshot_rows_total", "replication_verify_mismatched_tables"}) {
    EXPECT_EQ(value(name), std::nullopt) << name << " is not known";
  }
}

TEST_F(ReplicationMetricsTest, phase_and_conditions_are_those_of_the_status) {
  put({{"phase", "Syncing"},
       {"conditions", {{{"type", "Ready"}, {"status", "False"}}, {{"type", "Synced"}, {"status", "Unknown"}}}},
       {"verify", {{"result", "Mismatch"}, {"tablesMismatched", 3}}}});
  EXPECT_THAT(labels("replication_phase"),
              ElementsAre(Labels{{"namespace", "prod"}, {"name", "shop"}, {"phase", "Syncing"}}));
  EXPECT_THAT(
      labels("replication_condition"),
      UnorderedElementsAre(Labels{{"namespace", "prod"}, {"name", "shop"}, {"type", "Ready"}, {"status", "False"}},
                           Labels{{"namespace", "prod"}, {"name", "shop"}, {"type", "Synced"}, {"status", "Unknown"}}));
  EXPECT_EQ(value("replication_verify_mismatched_tables"), 3);
}

TEST_F(ReplicationMetricsTest, lag_is_exact_and_that_of_the_stream_furthest_behind) {
  api::Progress progress = following(1'234'567);
  progress.databases[0].stream->lag_bytes = 9'876'543'210;
  progress.databases[0].stream->retained_bytes = 123'456'789;
  progress.databases.push_back(following(7).databases[0]);
  progress.databases[1].stream->retained_bytes = 200'000'001;
  hear(progress);
  EXPECT_EQ(value("replication_lag_seconds"), 1'234'567);
  EXPECT_EQ(value("replication_lag_bytes"), 9'876'543'210);
  EXPECT_EQ(value("replication_retained_bytes"), 200'000'001);
  EXPECT_EQ(value("replication_snapshot_rows_total"), std::nullopt);
}

TEST_F(ReplicationMetricsTest, lag_is_told_only_while_every_stream_follows) {
  hear(holding());
  EXPECT_EQ(value("replication_lag_seconds"), std::nullopt);
  EXPECT_NE(value("replication_retained_bytes"), std::nullopt);
}

TEST_F(ReplicationMetricsTest, an_answer_counts_for_a_minute_of_silence) {
  hear(following(5));
  for (const int seconds : {30, 59, 60}) {
    now = noon + Seconds(seconds);
    stay_silent();
    EXPECT_EQ(value("replication_lag_seconds").has_value(), seconds < 60) << seconds;
  }
  now += Seconds(5);
  hear(following(6));
  EXPECT_EQ(value("replication_lag_seconds"), 6);
}

TEST_F(ReplicationMetricsTest, rows_are_those_of_the_engine_and_at_last_those_of_the_status) {
  api::Progress progress = copying(40);
  progress.databases.resize(1);
  progress.databases[0].rows_copied = 1'234'567;
  put({{"snapshot", {{"rowsCopied", 1'200'000}}}});
  EXPECT_EQ(value("replication_snapshot_rows_total"), std::nullopt) << "rounded ones are none";
  hear(progress);
  EXPECT_EQ(value("replication_snapshot_rows_total"), 1'234'567);
  put({{"snapshot", {{"rowsCopied", 2'000'001}, {"result", "Succeeded"}}}});
  EXPECT_EQ(value("replication_snapshot_rows_total"), 2'000'001);
}

TEST_F(ReplicationMetricsTest, what_is_deleted_is_told_no_more) {
  put({{"phase", "Completed"}}, "other");
  hear(following(5));
  EXPECT_EQ(labels("replication_info").size(), 2U);
  bed.server.erase(replications(), shop);
  ASSERT_TRUE(comes_true([&] { return scopes[0]->objects().size() == 1; }));
  EXPECT_EQ(labels("replication_info").size(), 1U);
  EXPECT_THAT(labels("replication_lag_seconds"), IsEmpty());
  EXPECT_EQ(value("replication_cache_objects", {{"kind", "Replication"}}), 1);
}

TEST_F(ReplicationMetricsTest, who_waits_for_its_turn_tells_of_its_caches_alone) {
  hear(following(5));
  at_work = false;
  for (const char* name : {"replication_info", "replication_phase", "replication_lag_seconds"}) {
    EXPECT_THAT(labels(name), IsEmpty()) << name;
  }
  EXPECT_EQ(value("replication_cache_objects", {{"kind", "Secret"}}), 2);
}

TEST_F(ReplicationMetricsTest, orphans_are_counted_by_namespace_and_are_none_where_there_is_a_replication) {
  EXPECT_EQ(value("replication_cleanup_orphaned_total", {{"namespace", "prod"}}), 0);
  orphaned = {{"prod", 2}, {"gone", 1}};
  EXPECT_EQ(value("replication_cleanup_orphaned_total", {{"namespace", "prod"}}), 2);
  EXPECT_EQ(value("replication_cleanup_orphaned_total", {{"namespace", "gone"}}), 1);
}

TEST_F(ReplicationMetricsTest, watches_are_counted_by_kind_and_reason_from_the_start) {
  for (const char* kind : {"Replication", "Job", "Deployment", "Pod", "Secret"}) {
    EXPECT_EQ(value("replication_watch_forbidden", {{"kind", kind}}), 0) << kind;
    EXPECT_EQ(value("replication_relists_total", {{"kind", kind}, {"reason", "expired"}}), 0) << kind;
    EXPECT_EQ(value("replication_watch_restarts_total", {{"kind", kind}, {"reason", "ended"}}), 0) << kind;
  }
  ASSERT_TRUE(bed.server.wait_for_streams(5, Seconds(10)));
  bed.server.set_fate([](const Served& served) {
    return served.path.ends_with("/pods") ? Misfortune{Misfortune::Kind::answer, 403, "Forbidden", "no"} : Misfortune{};
  });
  bed.server.put(replications(), bed.server.find(replications(), shop).json());  // its end is an ordinary one
  ASSERT_TRUE(comes_true([&] {
    const kube::Seen seen = scopes[0]->objects().find(shop);
    return seen->resource_version() == bed.server.find(replications(), shop).resource_version();
  }));
  bed.server.end_streams();
  EXPECT_TRUE(comes_true([&] { return value("replication_watch_forbidden", {{"kind", "Pod"}}) == 1; }));
  EXPECT_TRUE(comes_true([&] {
    return value("replication_watch_restarts_total", {{"kind", "Replication"}, {"reason", "ended"}}) == 1;
  }));
  EXPECT_EQ(value("replication_watch_forbidden", {{"kind", "Job"}}), 0);
}

TEST_F(ReplicationMetricsTest, of_several_watches_of_a_kind_the_sum_is_told) {
  scopes.clear();
  const SecretAccess two{.names = {"shop-source", "shop-target"}};
  for (const char* space : {"prod", "other"}) {
    scopes.push_back(std::make_unique<Scope>(*bed.transport, space, queue, two));
    ASSERT_TRUE(scopes.back()->wait_synced(Deadline::after(Seconds(10)), {}));
  }
  EXPECT_EQ(value("replication_cache_objects", {{"kind", "Secret"}}), 2);
  EXPECT_EQ(labels("replication_cache_objects").size(), 5U);
}

}  // namespace
}  // namespace tributary::replication
