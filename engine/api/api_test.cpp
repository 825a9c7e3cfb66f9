#include <gtest/gtest.h>

#include "engine/api/progress.h"
#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/api/stream_status.h"

namespace tributary::api {
namespace {

Spec a_full_spec() {
  Spec spec;
  spec.mode = Mode::validate;
  spec.replication = "5f0c";
  spec.name = "shop/orders";
  spec.attempt = 3;
  spec.source.credentials_dir = "/etc/tributary/source";
  spec.source.host = "db";
  spec.source.port = 5433;
  spec.source.ssl_mode = "verify-full";
  spec.target.allow_self_signed_certificates = true;
  spec.selection.include_databases = {"app", "billing"};
  spec.selection.exclude_tables = {"app.public.log"};
  spec.snapshot.parallelism = 4;
  spec.snapshot.on_target_not_empty = OnTargetNotEmpty::append;
  spec.snapshot.roles = false;
  spec.snapshot.timeout = Seconds(90);
  spec.recopy = {"first", {"app.public.orders", "billing.*"}};
  spec.release_token_sha256 = std::string(64, 'e');
  return spec;
}

TEST(Spec, survives_the_way_through_json) {
  const std::string json = to_json(a_full_spec());
  const Result<Spec> again = spec_from_json(json);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(to_json(*again), json);
  EXPECT_EQ(again->source.port, 5433);
  EXPECT_EQ(again->snapshot.timeout, Seconds(90));
  EXPECT_EQ(again->recopy.request_id, "first");
  EXPECT_EQ(again->recopy.tables, (std::vector<std::string>{"app.public.orders", "billing.*"}));
}

TEST(Spec, of_a_stream_says_what_becomes_of_tables_that_it_cannot_follow) {
  const Result<Spec> plain = spec_from_json("{}");
  ASSERT_TRUE(plain) << plain.error().what;
  EXPECT_EQ(plain->sync.schema_changes, SchemaChanges::apply);
  EXPECT_EQ(plain->sync.refresh_interval, Seconds(24 * 60 * 60));
  const Result<Spec> asked = spec_from_json(R"({"sync":{"schemaChanges":"Stop","refreshIntervalSeconds":0}})");
  ASSERT_TRUE(asked) << asked.error().what;
  EXPECT_EQ(asked->sync.schema_changes, SchemaChanges::stop);
  EXPECT_EQ(asked->sync.refresh_interval, Seconds(0));
}

TEST(Spec, an_uri_never_enters_the_json) {
  Spec spec = a_full_spec();
  spec.source.uri = "postgresql://u:hunter2@db/app";
  EXPECT_EQ(to_json(spec).find("hunter2"), std::string::npos);
}

TEST(Spec, each_flaw_names_its_key) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "spec is not a JSON object"},
      {"[]", "spec is not a JSON object"},
      {"{\"mode\":\"Sync\",\"mode\":\"Snapshot\"}", "spec.mode is given twice"},
      {"{\"source\":{\"host\":\"a\",\"port\":1,\"host\":\"b\"}}", "spec.source.host is given twice"},
      {"{\"source\":{\"host\":\"a\\u0000b\"}}", "spec.source.host holds a NUL byte"},
      {"{\"selection\":{\"includeTables\":[\"a.b\",\"a.c\\u0000\"]}}", "spec.selection.includeTables holds a NUL byte"},
      {"{\"mode\":\"Sometimes\"}", "spec.mode is not one of Validate, Snapshot, SnapshotAndSync, Sync"},
      {"{\"source\":{\"port\":70000}}", "spec.source.port is larger than 65535"},
      {"{\"source\":{\"port\":-1}}", "spec.source.port is not a whole number from 0"},
      {"{\"snapshot\":{\"paralelism\":1}}", "spec.snapshot.paralelism is unknown"},
      {"{\"selection\":{\"includeTables\":[1]}}", "spec.selection.includeTables holds something that is not a text"},
      {"{\"releaseTokenSHA256\":\"00ff\"}",
       "spec.releaseTokenSHA256 is not a SHA-256 in 64 lower-case hexadecimal digits"},
      {"{\"recopy\":{\"tables\":[\"shop.t\"]}}", "spec.recopy.tables without spec.recopy.requestID"},
      {"{\"recopy\":{\"requestID\":\"first\"}}", "spec.recopy.requestID without spec.recopy.tables"},
      {"{\"recopy\":{\"requestID\":\"first\",\"tables\":\"shop.t\"}}", "spec.recopy.tables is not a list"},
      {"{\"recopy\":{\"request\":\"first\"}}", "spec.recopy.request is unknown"},
      {"{\"source\":7}", "spec.source is not an object"},
      {"{\"version\":9}", "spec.version 9 is not known to this engine"}};
  for (const auto& [text, what] : cases) {
    const Result<Spec> result = spec_from_json(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().what, what);
    EXPECT_EQ(result.error().fault, Fault::invalid);
  }
}

TEST(Spec, ends_where_its_text_ends) {
  using namespace std::string_literals;
  const Result<Spec> result = spec_from_json("{\"mode\":\"Snapshot\"}\0{\"mode\":\"Sync\"}"s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "spec holds a NUL byte");
}

TEST(Progress, survives_the_way_through_json_and_ignores_what_a_newer_engine_adds) {
  Progress progress;
  progress.phase = Phase::copying;
  progress.checks = Checks::passed;
  progress.percent = 42;
  progress.databases = {{.name = "app",
                         .tables_total = 9,
                         .tables_done = 4,
                         .rows_copied = 7,
                         .bytes_copied = 8,
                         .bytes_total = 9,
                         .active = {{.name = "public.t", .rows = 1, .bytes = 2, .bytes_total = 3, .done = true}},
                         .stream = StreamProgress{.state = StreamState::following,
                                                  .lag_bytes = 1,
                                                  .lag_seconds = 2,
                                                  .received = "0/3",
                                                  .applied = "0/2",
                                                  .last_transaction = "2026-11-22T00:00:00Z",
                                                  .transactions = 5,
                                                  .changes = 6,
                                                  .error = "away",
                                                  .slot = "tributary_app",
                                                  .retained_bytes = 7,
                                                  .recopy = RecopyProgress{3, 1, "public.t", 4, 5, "away"},
                                                  .aside = TablesAside{.stopped = 1,
                                                                       .recopy = 2,
                                                                       .not_streamed = 3,
                                                                       .recopy_seconds = 4,
                                                                       .tables = {{"public.s", "stopped", "gone"}}}}}};
  progress.request =
      RecopyRequest{.request_id = "first", .tables = 3, .copied = 1, .stopped = 1, .failures = {"app.public.s: gone"}};
  std::string json = to_json(progress);
  json.insert(1, "\"later\":{},");
  const Result<Progress> again = progress_from_json(json);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(to_json(*again), to_json(progress));
  ASSERT_EQ(again->databases.size(), 1u);
  EXPECT_EQ(again->databases[0].stream, progress.databases[0].stream);
  EXPECT_EQ(again->request, progress.request);
  EXPECT_EQ(again->checks, Checks::passed);
}

TEST(Progress, every_phase_has_a_word_that_is_read_again) {
  for (int i = 0; i <= static_cast<int>(Phase::failed); ++i) {
    Progress progress;
    progress.phase = static_cast<Phase>(i);
    EXPECT_EQ(progress_from_json(to_json(progress)).value().phase, progress.phase) << i;
  }
  EXPECT_STREQ(word_of(Phase::comparing), "Comparing");
}

Report a_long_report() {
  Report report;
  report.verb = "init";
  report.message = "all tables copied";
  for (int i = 0; i < 60; ++i) {
    report.findings.push_back({i == 40 ? Severity::error : Severity::warning, "OrphanRows",
                               "table t" + std::to_string(i), std::string(900, 'x'), "look"});
    report.databases.push_back({.name = "db" + std::to_string(i),
                                .target = "db",
                                .tables = 1,
                                .rows = 1,
                                .bytes = static_cast<std::uint64_t>(i),
                                .position = "0/1"});
  }
  return report;
}

TEST(Report, survives_the_way_through_json) {
  const Report report = a_long_report();
  const Result<Report> again = report_from_json(to_json(report));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(to_json(*again), to_json(report));
}

TEST(Report, says_whether_the_checks_were_passed_where_that_is_known) {
  for (const Checks checks : {Checks::unknown, Checks::not_passed, Checks::passed}) {
    Report report;
    report.checks = checks;
    EXPECT_EQ(report_from_json(termination_message(report)).value().checks, checks);
  }
  EXPECT_EQ(to_json(Report{}).find("checks"), std::string::npos);
}

TEST(Report, says_what_is_expected_of_a_database_where_somebody_looked) {
  Report report;
  report.databases.push_back({.name = "app", .target = "app", .position = ""});
  EXPECT_EQ(to_json(report).find("estimatedSeconds"), std::string::npos);
  report.databases[0].database_bytes = 5;
  report.databases[0].estimated_seconds = 7;
  const Result<Report> again = report_from_json(to_json(report));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->databases.at(0).database_bytes, 5u);
  EXPECT_EQ(again->databases.at(0).estimated_seconds, 7u);
}

TEST(TerminationMessage, fits_the_kubelet_and_keeps_the_worst_finding_longest) {
  const std::string text = termination_message(a_long_report());
  EXPECT_LE(text.size(), 3584u);
  const Result<Report> read = report_from_json(text);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_NE(text.find("table t40"), std::string::npos) << text;
  EXPECT_NE(read->message.find("not shown"), std::string::npos);
}

TEST(TerminationMessage, of_very_many_findings_has_the_errors_and_says_how_many_are_missing) {
  Report whole = a_long_report();
  whole.databases.resize(3);
  whole.findings.clear();
  constexpr int many = 20'000;
  for (int i = 0; i < many; ++i) {
    whole.findings.push_back({i % 10'000 == 7 ? Severity::error : Severity::warning, "AlreadyThere",
                              "table t" + std::to_string(i), std::string(250, 'x'), ""});
  }
  const std::string text = termination_message(whole);
  EXPECT_LE(text.size(), 3584u);
  EXPECT_GT(text.size(), 3000u) << "there was room for another";
  const Result<Report> read = report_from_json(text);
  ASSERT_TRUE(read) << read.error().what;
  ASSERT_GT(read->findings.size(), 4u);
  const std::vector<std::string> expected{"table t7", "table t10007", "table t0", "table t1"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(read->findings[i].subject, expected[i]);
  EXPECT_EQ(read->databases.size(), 3u);
  const std::string missing = std::to_string(many - read->findings.size()) + " findings and 0 databases not shown";
  EXPECT_NE(read->message.find(missing), std::string::npos) << read->message;
}

TEST(TerminationMessage, fits_whatever_its_texts_are_made_of) {
  for (const char byte : {'\x01', '"', '\\', '\x80', '\xff'}) {
    Report report = a_long_report();
    report.message = std::string(5000, byte);
    report.hint = std::string(5000, byte);
    report.findings.insert(report.findings.begin(),
                           {Severity::error, "OrphanRows", "table t", std::string(5000, byte), ""});
    const std::string text = termination_message(report);
    EXPECT_LE(text.size(), 3584u);
    EXPECT_TRUE(report_from_json(text));
  }
}

TEST(TerminationMessage, counts_the_databases_that_it_has_no_room_for) {
  const Report whole = a_long_report();
  const Result<Report> read = report_from_json(termination_message(whole));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_LT(read->databases.size(), 60u);
  EXPECT_EQ(totals_of(*read), (Totals{.databases = 60, .tables = 60, .rows = 60, .bytes = 59 * 60 / 2}));
}

TEST(Report, of_an_engine_that_said_no_totals_is_the_sum_of_its_databases) {
  const Result<Report> read = report_from_json(R"({"databases": [{"tables": 2, "rows": 3, "bytes": 4}, {"rows": 5}]})");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(totals_of(*read), (Totals{.databases = 2, .tables = 2, .rows = 8, .bytes = 4}));
}

TEST(TerminationMessage, a_short_report_is_whole) {
  Report report;
  report.findings.push_back({Severity::warning, "OrphanRows", "table t", "3 rows", "look"});
  EXPECT_EQ(report_from_json(termination_message(report)).value().findings.size(), 1u);
}

TEST(StreamStatus, says_nothing_of_a_lag_that_is_not_known) {
  StreamStatus status;
  EXPECT_NE(to_json({status}).find("\"state\":\"NoEngine\",\"lagBytes\":0"), std::string::npos) << to_json({status});
  status.problem = "the slot is gone";
  EXPECT_EQ(to_json({status}).find("lag"), std::string::npos);
  EXPECT_NE(to_json({status}).find("\"state\":\"CannotGoOn\""), std::string::npos);
}

TEST(StreamStatus, tells_of_the_last_error_only_where_there_was_one) {
  StreamStatus status;
  EXPECT_EQ(to_json({status}).find("lastError"), std::string::npos);
  status.last_error = LastError{"2026-11-23T14:00:00Z", "it broke", "mend it"};
  EXPECT_NE(
      to_json({status}).find(R"("lastError":{"time":"2026-11-23T14:00:00Z","message":"it broke","hint":"mend it"})"),
      std::string::npos)
      << to_json({status});
}

TEST(ExitCode, follows_from_the_fault) {
  EXPECT_EQ(exit_code_of(Fault::transient), ExitCode::failed);
  EXPECT_EQ(exit_code_of(Fault::denied), ExitCode::bad_configuration);
  EXPECT_EQ(exit_code_of(Fault::differs), ExitCode::differences);
  EXPECT_EQ(exit_code_of(Fault::lost), ExitCode::lost_position);
  EXPECT_EQ(exit_code_of(Fault::fenced), ExitCode::fenced);
}

TEST(Outcome, an_outage_and_a_held_lock_may_pass_and_nothing_else) {
  EXPECT_TRUE(may_pass(ExitCode::failed, "Unavailable"));
  EXPECT_TRUE(may_pass(ExitCode::failed, "SourceUnreachable"));
  EXPECT_TRUE(may_pass(ExitCode::fenced, "Fenced"));
  EXPECT_FALSE(may_pass(ExitCode::failed, "SnapshotFailed"));
  EXPECT_FALSE(may_pass(ExitCode::bad_configuration, "SourceUnreachable"));
  EXPECT_FALSE(may_pass(ExitCode::done, "Unavailable"));
}

}  // namespace
}  // namespace tributary::api
