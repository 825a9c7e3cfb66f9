#include "operator/api/replication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/duration.h"
#include "operator/api/names.h"
#include "operator/api/testing/crd_schema.h"

namespace tributary::v1alpha1 {
namespace {

using nlohmann::json;

json minimal() {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata", {{"name", "shop"}, {"namespace", "prod"}, {"uid", "u-1"}, {"generation", 3}}},
          {"spec",
           {{"mode", "Snapshot"},
            {"source", {{"secretRef", {{"name", "a"}}}}},
            {"target", {{"secretRef", {{"name", "b"}}}}}}}};
}

VerifyStatus full_verification() {
  return {.state = VerifyState::running,
          .result = VerifyState::mismatch,
          .time = "2026-11-21T09:50:00Z",
          .position = "0/4000",
          .tables_checked = 4,
          .tables_mismatched = 1,
          .tables_not_compared = 1,
          .rows = 1'000'000,
          .mismatches = {{"shop.public.t", "id=7", MismatchKind::differs, {"n"}}},
          .message = "1 table differs",
          .request_id = "second",
          .snapshot = "shop-01234567-2",
          .schedule = "@daily",
          .scheduled_since = "2026-11-21T09:50:00Z",
          .trigger = VerifyTrigger::schedule,
          .job_name = "shop-76543210-5",
          .attempt = 5,
          .outages = 1,
          .crashes = 1,
          .start_time = "2026-11-21T09:49:00Z",
          .completion_time = "2026-11-21T09:50:00Z"};
}

Status full_status() {
  const Run run{.inputs_hash = "0123456789abcdef",
                .request_id = "first",
                .job_name = "shop-01234567-2",
                .attempt = 2,
                .outages = 1,
                .crashes = 2,
                .generation = 3,
                .start_time = "2026-11-21T09:30:00Z",
                .completion_time = "2026-11-21T09:31:00Z",
                .result = RunResult::succeeded,
                .tables_total = 4,
                .tables_done = 4,
                .rows_copied = 1'000'000,
                .bytes_copied = 80'000'000,
                .consistency = "Snapshot",
                .may_hold_slot = true,
                .may_hold_data = false,
                .slots = {"tributary_shop_0123456789ab"},
                .slot_unheld_since = "2026-11-22T09:30:00Z"};
  Run validation = run;
  validation.may_hold_slot.reset();
  validation.may_hold_data.reset();
  validation.slots.clear();
  validation.slot_unheld_since.clear();
  validation.tables_total = validation.tables_done = validation.rows_copied = validation.bytes_copied = 0;
  validation.consistency.clear();
  const Run release{.job_name = "shop-89abcdef-3",
                    .attempt = 3,
                    .outages = 1,
                    .generation = 3,
                    .start_time = "2026-11-21T09:40:00Z",
                    .completion_time = "2026-11-21T09:41:00Z",
                    .result = RunResult::failed,
                    .drops_data = true};
  return {.observed_generation = 3,
          .phase = Phase::completed,
          .progress = "100%",
          .conditions = {{.type = "Ready",
                          .status = Truth::yes,
                          .reason = "SnapshotComplete",
                          .message = "all tables copied",
                          .last_transition_time = "2026-11-21T09:31:00Z",
                          .observed_generation = 3}},
          .databases = {{.name = "shop", .tables_total = 4, .tables_done = 4, .rows_copied = 9, .bytes_copied = 8}},
          .validation = validation,
          .snapshot = run,
          .sync = SyncStatus{.method = "Logical",
                             .lag = "1m30s",
                             .lag_bytes = 4096,
                             .lag_seconds = 90,
                             .received_position = "0/3000",
                             .applied_position = "0/2000",
                             .last_transaction_time = "2026-11-21T09:30:00Z",
                             .retained_bytes = 8192,
                             .slots = {"tributary_shop_0123456789ab"},
                             .tables_stopped = 1,
                             .tables_recopied = 2,
                             .tables_not_streamed = 3,
                             .observed_time = "2026-11-21T09:31:30Z"},
          .release = release,
          .recopy = RecopyStatus{.request_id = "first",
                                 .tables = 3,
                                 .tables_copied = 2,
                                 .start_time = "2026-11-21T09:40:00Z",
                                 .completion_time = "2026-11-21T09:41:00Z",
                                 .result = RunResult::failed,
                                 .message = "shop.public.t: no such column"},
          .verify = full_verification(),
          .not_streamed = {{"shop.public.t", TableState::stopped, "no such column"}},
          .findings = {{"warning", "OrphanedForeignKey", "table shop.public.a", "is orphaned", "mend it"}},
          .credentials = {{"shop-source", "u-2", "77"}}};
}

TEST(Replication, metadata_and_defaults_come_from_the_smallest_object) {
  const Replication replication = replication_from_json(minimal());
  EXPECT_FALSE(replication.flaw);
  EXPECT_EQ(replication.name, "shop");
  EXPECT_EQ(replication.space, "prod");
  EXPECT_EQ(replication.uid, "u-1");
  EXPECT_EQ(replication.generation, 3);
  EXPECT_FALSE(replication.deleted);
  EXPECT_FALSE(replication.finalized);
  EXPECT_EQ(replication.spec.mode, Mode::snapshot);
  EXPECT_EQ(replication.spec.state, State::running);
  EXPECT_EQ(replication.spec.source.secret, "a");
  EXPECT_TRUE(replication.spec.create_database);
  EXPECT_EQ(replication.spec.snapshot.stall_timeout, Seconds(900));
  EXPECT_EQ(replication.spec.sync.max_lag, Seconds(60));
  EXPECT_EQ(replication.spec.sync.refresh_interval, Seconds(24 * 60 * 60));
  EXPECT_EQ(replication.spec.sync.schema_changes, SchemaChanges::apply);
  EXPECT_FALSE(replication.spec.verify.after_snapshot) << "the source may have gone on since";
  EXPECT_EQ(replication.spec.verify.on_mismatch, OnMismatch::degrade);
  EXPECT_EQ(replication.spec.source_objects, SourceObjects::remove);
  EXPECT_EQ(replication.spec.target_data, TargetData::retain);
  EXPECT_EQ(replication.spec.deletion_timeout, Seconds(300));
}

TEST(Replication, both_ends_are_compared_by_themselves_where_a_stream_keeps_them_equal) {
  json object = minimal();
  object["spec"]["mode"] = "SnapshotAndSync";
  EXPECT_TRUE(replication_from_json(object).spec.verify.after_snapshot);
  object["spec"]["verify"] = {{"afterSnapshot", false}};
  EXPECT_FALSE(replication_from_json(object).spec.verify.after_snapshot);
  object["spec"] = {{"mode", "Snapshot"}, {"verify", {{"afterSnapshot", true}}}};
  EXPECT_TRUE(replication_from_json(object).spec.verify.after_snapshot);
}

TEST(Replication, deletion_and_our_finalizer_are_seen) {
  json object = minimal();
  object["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
  object["metadata"]["finalizers"] = {"other", finalizer};
  const Replication replication = replication_from_json(object);
  EXPECT_EQ(replication.deleted, WallTime(Seconds(1'700'000'000)));
  EXPECT_TRUE(replication.finalized);
}

TEST(Replication, a_spec_that_does_not_fit_names_its_first_flaw) {
  const std::pair<const char*, json> cases[] = {{"/mode", "Cutover"},
                                                {"/state", "Sleeping"},
                                                {"/source/type", "MySQL"},
                                                {"/source/port", -1},
                                                {"/source/port", 70'000},
                                                {"/snapshot/timeout", "soon"},
                                                {"/sync/maxLag", "-1s"},
                                                {"/sync/refreshInterval", "daily"},
                                                {"/sync/schemaChanges", "Ignore"},
                                                {"/recopy/requestID", 7},
                                                {"/recopy/tables", "shop.public.t"},
                                                {"/verify/afterSnapshot", "yes"},
                                                {"/verify/schedule", 5},
                                                {"/verify/requestID", 7},
                                                {"/verify/onMismatch", "Ignore"},
                                                {"/deletion/sourceObjects", "Keep"},
                                                {"/deletion/targetData", "Drop"},
                                                {"/tables/include", "a.b"},
                                                {"/template/labels", json::array()},
                                                {"/source", "a"}};
  for (const auto& [pointer, value] : cases) {
    json object = minimal();
    object["spec"][json::json_pointer(pointer)] = value;
    const Replication replication = replication_from_json(object);
    ASSERT_TRUE(replication.flaw) << pointer;
    EXPECT_EQ(replication.flaw->fault, Fault::invalid);
    std::string path = pointer;
    std::replace(path.begin(), path.end(), '/', '.');
    EXPECT_THAT(replication.flaw->what, ::testing::StartsWith("spec" + path));
  }
}

TEST(Replication, anything_at_all_is_read_without_harm) {
  for (const json& object : {json(), json(1), json::array(), json{{"metadata", 4}, {"spec", 5}, {"status", "x"}},
                             json{{"status", {{"conditions", {1, "x", nullptr}}, {"snapshot", 7}}}}}) {
    const Replication replication = replication_from_json(object);
    EXPECT_TRUE(replication.flaw) << object.dump();
  }
}

TEST(Status, survives_the_round_trip_through_json) {
  json object = minimal();
  object["status"] = to_json(full_status());
  EXPECT_EQ(replication_from_json(object).status, full_status());
}

TEST(Status, writes_only_what_the_schema_has_and_all_of_it) {
  const json schema = testing::crd_schema()["properties"]["status"];
  const json written = to_json(full_status());
  EXPECT_THAT(testing::violations(schema, written), ::testing::IsEmpty());
  for (const auto& [name, inner] : schema["properties"].items()) {
    ASSERT_TRUE(written.contains(name)) << name;
    const json fields = (inner.contains("items") ? inner["items"] : inner).value("properties", json::object());
    const json& value = inner.contains("items") ? written[name][0] : written[name];
    for (const auto& [field, ignored] : fields.items()) {
      EXPECT_TRUE(value.contains(field)) << name << "." << field;
    }
  }
}

TEST(Status, an_untouched_status_is_small) {
  EXPECT_EQ(to_json(Status{}), (json{{"observedGeneration", 0}, {"phase", "Pending"}}));
}

// The default of the CRD.
TEST(Status, says_nothing_before_anybody_has_looked) {
  json object = minimal();
  object["status"] = {{"observedGeneration", -1}};
  EXPECT_EQ(replication_from_json(object).status, Status{});
}

TEST(Duration, is_written_as_it_is_read) {
  for (const char* text : {"0s", "59s", "1m", "1h", "1m30s", "12h5s", "49h1m1s"}) {
    EXPECT_EQ(duration_text(*parse_duration(text)), text);
  }
  EXPECT_EQ(duration_text(Seconds(-1)), "0s");
}

TEST(Duration, hours_minutes_and_seconds_in_this_order) {
  EXPECT_EQ(parse_duration("0"), Seconds(0));
  EXPECT_EQ(parse_duration("90s"), Seconds(90));
  EXPECT_EQ(parse_duration("1h30m"), Seconds(5400));
  EXPECT_EQ(parse_duration("1h2m3s"), Seconds(3723));
  for (const char* text : {"", "5", "m", "1m1h", "1s1s", "-1s", "1.5h", "123456s", "1h ", "1d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace tributary::v1alpha1
