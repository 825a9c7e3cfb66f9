#include "engine/cli/verification_verdict.h"

#include <gmock/gmock.h>

namespace tributary::cli {
namespace {

using api::Comparison;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

api::TableVerification a_table(std::string name, Comparison result) {
  api::TableVerification table;
  table.database = "shop";
  table.name = std::move(name);
  table.result = result;
  return table;
}

api::Verification equal() {
  api::Verification found;
  found.result = Comparison::equal;
  found.tables_compared = 14;
  found.rows = 1'234'567;
  return found;
}

api::Verification different() {
  api::Verification found = equal();
  found.result = Comparison::different;
  found.tables_different = 2;
  found.tables = {a_table("public.orders", Comparison::different), a_table("public.stock", Comparison::different)};
  found.tables[0].differing = 2;
  found.tables[1].differing = 1;
  found.tables[1].missing = 1;
  return found;
}

TEST(Verdict, is_done_where_everything_was_compared_and_is_equal) {
  const api::Report report = judged(equal());
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(report.reason, "Verified");
  EXPECT_EQ(report.message, "14 tables with 1,234,567 rows are equal");
  EXPECT_EQ(report.hint, "");
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.verification.value().rows, 1'234'567u);
}

TEST(Verdict, says_what_an_interrupted_attempt_has_compared) {
  api::Verification found = equal();
  found.kept_rows = 17;
  found.kept_since = "2026-11-21T09:30:00Z";
  EXPECT_EQ(judged(found).message,
            "14 tables with 1,234,567 rows are equal; 17 rows were compared by an interrupted attempt, from "
            "2026-11-21T09:30:00Z on");
}

TEST(Verdict, names_what_is_no_part_of_it) {
  api::Verification found = equal();
  found.unread = {{"shop", "large object", 1, "of a stream"},
                  {"shop", "materialized view", 2, "refreshed"},
                  {"app", "materialized view", 1, "refreshed"}};
  const api::Report report = judged(found);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(
      report.message,
      "14 tables with 1,234,567 rows are equal; 1 large object is no part of it; 3 materialized views are no part "
      "of it");
}

TEST(Verdict, of_rows_that_differ_says_how_many_and_what_to_do) {
  const api::Report report = judged(different());
  EXPECT_EQ(report.exit_code, api::ExitCode::differences);
  EXPECT_EQ(report.reason, "VerifyMismatch");
  EXPECT_EQ(report.message, "2 of 14 tables differ: 3 rows differ, 1 is missing, 0 too many");
  EXPECT_THAT(report.hint, HasSubstr("--repair-sql"));
}

TEST(Verdict, of_a_difference_stands_also_where_something_was_not_compared) {
  api::Verification found = different();
  found.tables_not_compared = 1;
  const api::Report report = judged(found);
  EXPECT_EQ(report.exit_code, api::ExitCode::differences);
  EXPECT_THAT(report.message, HasSubstr("; 1 table was not compared"));
}

TEST(Verdict, of_a_sequence_that_is_behind_is_a_difference) {
  api::Verification found = equal();
  found.result = Comparison::different;
  found.sequences = {{"shop", "sequence", "public.orders_id_seq", "9", "7"}};
  const api::Report report = judged(found);
  EXPECT_EQ(report.exit_code, api::ExitCode::differences);
  EXPECT_EQ(report.message, "14 tables with 1,234,567 rows are equal; 1 sequence is behind");
}

TEST(Verdict, of_a_sequence_that_may_not_be_read_is_neither_success_nor_difference) {
  api::Verification found = equal();
  found.result = Comparison::not_compared;
  found.sequences = {{"shop", "unreadable sequence", "public.orders_id_seq", "may not be read", "7"}};
  const api::Report report = judged(found);
  EXPECT_EQ(report.reason, "VerifyIncomplete");
  EXPECT_THAT(report.message, HasSubstr("1 sequence may not be read"));
}

TEST(Verdict, is_no_success_where_something_was_not_compared) {
  api::Verification found = equal();
  found.result = Comparison::not_compared;
  found.tables_not_compared = 2;
  api::Report report = judged(found);
  EXPECT_EQ(report.exit_code, api::ExitCode::failed);
  EXPECT_EQ(report.reason, "VerifyIncomplete");
  EXPECT_EQ(report.message, "14 tables with 1,234,567 rows are equal; 2 tables were not compared");
  found.tables_not_compared = 0;
  report = judged(found);
  EXPECT_EQ(report.reason, "VerifyIncomplete");
  EXPECT_THAT(report.message, HasSubstr("not everything could be compared"));
}

TEST(Verdict, of_nothing_is_no_success) {
  const api::Report report = judged({});
  EXPECT_EQ(report.reason, "VerifyIncomplete");
  EXPECT_EQ(report.exit_code, api::ExitCode::failed);
  EXPECT_EQ(report.message, "no table was compared");
  EXPECT_THAT(report.hint, HasSubstr("selection"));
}

TEST(Verdict, tells_a_schema_that_differs_apart_from_the_data) {
  api::Verification found = equal();
  for (const char* object : {"public.a", "public.b", "public.c", "public.d"})
    found.structure.push_back({"shop", "index", object, "CREATE INDEX", ""});
  found.structure.push_back({"app", "column", "public.t.total", "numeric", "text"});
  const api::Report report = judged(found);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(report.reason, "Verified");
  EXPECT_THAT(report.message, HasSubstr("; the schema differs in 5 places"));
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].subject, "database app");
  EXPECT_EQ(report.findings[1].code, "SchemaDiffers");
  EXPECT_EQ(report.findings[1].message,
            "the schema is not the source's: index public.a, index public.b, index public.c and 1 more");
}

TEST(Differences, are_counted_in_words) {
  EXPECT_EQ(differences_text(1, 2, 3'000), "1 row differs, 2 are missing, 3,000 too many");
  EXPECT_EQ(differences_text(0, 0, 1), "0 rows differ, 0 are missing, 1 too many");
}

TEST(Differences, to_be_mended_are_rows_and_sequences_and_tables_that_lack_something) {
  api::Verification found = different();
  const std::uint64_t rows = differences_in(found);
  found.tables.push_back(a_table("public.narrow", Comparison::different));
  found.tables.push_back(a_table("public.locked", Comparison::not_compared));
  found.sequences = {{"shop", "sequence", "public.s", "2", "1"}, {"shop", "unreadable sequence", "public.r", "", ""}};
  EXPECT_EQ(differences_in(found), rows + 2);
  EXPECT_EQ(repair_hint("a.sql", 0, 0), "");
  EXPECT_EQ(repair_hint("a.sql", 1, 0),
            "read what a.sql has, 1 statement that would mend the target, before psql runs it");
  EXPECT_EQ(repair_hint("a.sql", 2, 1),
            "read what a.sql has, 2 statements that would mend the target, before psql runs it; 1 difference is not "
            "mended by it, and it says why");
  EXPECT_EQ(repair_hint("a.sql", 0, 3), "read what a.sql has: 3 differences are not mended by it, and it says why");
}

}  // namespace
}  // namespace tributary::cli
