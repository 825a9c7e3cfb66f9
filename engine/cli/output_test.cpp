#include "engine/cli/output.h"

#include <gtest/gtest.h>

#include "engine/cli/metrics.h"
#include "engine/cli/painter.h"

namespace tributary::cli {
namespace {

std::vector<api::Finding> findings() {
  return {{api::Severity::ok, "SourceReachable", "source", "PostgreSQL 15.18", ""},
          {api::Severity::warning, "OrphanRows", "table public.t", "3 rows", "look at them"},
          {api::Severity::error, "TargetNotEmpty", "database app", "holds 4 tables", "use --append"}};
}

TEST(Findings, are_a_table_with_the_worst_first) {
  EXPECT_EQ(findings_text(findings(), {}),
            "RESULT   CODE             ABOUT           MESSAGE\n"
            "error    TargetNotEmpty   database app    holds 4 tables (hint: use --append)\n"
            "warning  OrphanRows       table public.t  3 rows (hint: look at them)\n"
            "ok       SourceReachable  source          PostgreSQL 15.18\n");
  EXPECT_EQ(findings_text({}, {}), "");
}

TEST(Findings, have_colours_where_asked_for) {
  EXPECT_NE(findings_text(findings(), {.colour = true, .width = 0}).find("\x1b[31merror\x1b[0m"), std::string::npos);
  EXPECT_EQ(findings_text(findings(), {}).find('\x1b'), std::string::npos);
}

TEST(Report, lists_findings_and_databases) {
  api::Report report;
  report.databases = {
      {.name = "app", .target = "app2", .tables = 12, .rows = 34'567, .bytes = 8'900'000, .position = "0/1A"}};
  EXPECT_EQ(report_text(report, {}),
            "DATABASE  TARGET  TABLES  ROWS    SIZE    POSITION\n"
            "app       app2    12      34,567  8.9 MB  0/1A\n\n");
}

TEST(Report, of_a_comparison_begins_with_what_was_compared) {
  api::Report report;
  report.verb = "verify";
  report.findings = findings();
  report.verification.emplace().rows = 7;
  const std::string text = report_text(report, {});
  EXPECT_LT(text.find("7 rows of 0 tables compared"), text.find("OrphanRows")) << text;
}

TEST(Report, leaves_standard_output_to_a_script_that_goes_there) {
  api::Report report;
  report.message = "all is equal";
  report.verification.emplace();
  Options options;
  options.verb = Verb::verify;
  for (const bool apart : {false, true}) {
    options.verify.repair_sql = apart ? "-" : "repair.sql";
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(publish(report, options), 0);
    const std::string out = testing::internal::GetCapturedStdout();
    const std::string err = testing::internal::GetCapturedStderr();
    EXPECT_EQ(apart ? out : err, "");
    EXPECT_NE((apart ? err : out).find("all is equal"), std::string::npos);
    EXPECT_NE((apart ? err : out).find("0 rows of 0 tables compared"), std::string::npos);
  }
}

TEST(Report, of_a_look_has_estimates_and_neither_rows_nor_a_position) {
  api::Report report;
  report.verb = "validate";
  report.databases = {{.name = "app",
                       .target = "app2",
                       .tables = 12,
                       .rows = 0,
                       .bytes = 8'900'000,
                       .position = "",
                       .database_bytes = 12'000'000,
                       .estimated_seconds = 75}};
  report.databases.push_back({.name = "new", .target = "new", .position = "", .estimated_seconds = 2});
  EXPECT_EQ(report_text(report, {}),
            "DATABASE  TARGET  TABLES  SIZE    DATABASE SIZE  TIME\n"
            "app       app2    12      8.9 MB  12 MB          about 1m15s\n"
            "new       new     0       0 B     unknown        about 2s\n\n");
}

TEST(Report, of_a_run_that_could_not_begin_says_who_and_why) {
  Options options;
  options.verb = Verb::init;
  options.spec.replication = "5f0c";
  const api::Report report = report_of(options, {Fault::invalid, "--source is missing", "give it"}, "BadConfiguration");
  EXPECT_EQ(report.verb, "init");
  EXPECT_EQ(report.replication, "5f0c");
  EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration);
  EXPECT_EQ(report.hint, "give it");
}

TEST(Painter, repaints_in_place_and_erases_what_it_painted) {
  Painter painter;
  EXPECT_EQ(painter.paint({"one", "two"}, 80), "one\x1b[K\ntwo\x1b[K\n\x1b[J");
  EXPECT_EQ(painter.paint({"three"}, 80), "\x1b[2A\rthree\x1b[K\n\x1b[J");
  EXPECT_EQ(painter.erase(80), "\x1b[1A\r\x1b[J");
  EXPECT_EQ(painter.erase(80), "");
}

TEST(Painter, counts_the_rows_that_a_narrower_screen_has_made_of_a_line) {
  Painter painter;
  painter.paint({"0123456789", ""}, 20);
  EXPECT_EQ(painter.erase(4), "\x1b[4A\r\x1b[J");
}

TEST(Metrics, say_what_progress_says) {
  api::Progress progress;
  progress.phase = api::Phase::copying;
  progress.percent = 42;
  progress.databases = {
      {.name = "a\"b", .tables_total = 9, .tables_done = 4, .rows_copied = 7, .bytes_copied = 8, .active = {}}};
  const std::string text = metrics_text(progress);
  for (const char* line :
       {"# TYPE tributary_snapshot_rows_total counter\n", "tributary_phase{phase=\"Copying\"} 1\n",
        "tributary_phase{phase=\"Done\"} 0\n", "tributary_snapshot_percent 42\n",
        "tributary_snapshot_tables{database=\"a\\\"b\"} 9\n", "tributary_snapshot_tables_done{database=\"a\\\"b\"} 4\n",
        "tributary_snapshot_rows_total{database=\"a\\\"b\"} 7\n",
        "tributary_snapshot_bytes_total{database=\"a\\\"b\"} 8\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

}  // namespace
}  // namespace tributary::cli
