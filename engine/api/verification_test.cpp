#include "engine/api/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/api/report.h"
#include "engine/api/spec.h"

namespace tributary::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TableVerification a_table(std::string name, Comparison result, std::uint64_t differing, std::size_t rows) {
  TableVerification table;
  table.database = "shop";
  table.name = std::move(name);
  table.result = result;
  table.source_rows = 1000;
  table.target_rows = 999;
  table.differing = differing;
  for (std::size_t i = 0; i < rows; ++i)
    table.rows.push_back({.key = "id=" + std::to_string(i),
                          .columns = {"total", "paid"},
                          .values = {{.column = "total", .source = "1 secret", .target = "2 secrets"}}});
  return table;
}

Report a_report(std::vector<TableVerification> tables) {
  Report report;
  report.verb = "verify";
  report.message = "tables differ";
  report.verification.emplace().tables = std::move(tables);
  return report;
}

Report a_full_report() {
  Report report = a_report({a_table("public.orders", Comparison::different, 3, 2),
                            a_table("public.log", Comparison::not_compared, 0, 0),
                            a_table("public.stock", Comparison::equal, 0, 0)});
  Verification& found = *report.verification;
  found.request_id = "first";
  found.result = Comparison::different;
  found.position = "0/1A";
  found.tables_compared = 2;
  found.tables_different = 1;
  found.tables_not_compared = 1;
  found.rows = 17;
  found.moments = 4;
  found.held_ms = 12;
  found.kept_rows = found.tables[0].kept_rows = 9;
  found.kept_since = found.tables[0].kept_since = "2026-11-21T09:30:00Z";
  found.unread = {{"shop", "materialized view", 2, "refreshed, not copied"}};
  found.tables[0].missing = 5;
  found.tables[0].extra = 6;
  found.tables[0].rows[0].kind = RowDifference::Kind::missing;
  found.tables[0].rows[0].copies = 2;
  found.tables[0].rows[1].kind = RowDifference::Kind::extra;
  found.tables[1].reason = "no key";
  found.sequences = {{"shop", "sequence", "public.orders_id_seq", "9", "7"}};
  found.structure = {{"shop", "column", "public.orders.total", "numeric", ""}};
  return report;
}

void expect_same(const TableVerification& again, const TableVerification& table) {
  EXPECT_EQ(again.database, table.database);
  EXPECT_EQ(again.name, table.name);
  EXPECT_EQ(again.result, table.result);
  EXPECT_EQ(again.reason, table.reason);
  EXPECT_EQ(again.source_rows, table.source_rows);
  EXPECT_EQ(again.target_rows, table.target_rows);
  EXPECT_EQ(again.differing, table.differing);
  EXPECT_EQ(again.missing, table.missing);
  EXPECT_EQ(again.kept_rows, table.kept_rows);
  EXPECT_EQ(again.kept_since, table.kept_since);
  EXPECT_EQ(again.extra, table.extra);
  EXPECT_EQ(again.rows, table.rows);
}

TEST(Verification, survives_the_way_through_json) {
  const Report report = a_full_report();
  const Result<Report> read = report_from_json(to_json(report));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(to_json(*read), to_json(report));
  const Verification& again = read->verification.value();
  const Verification& whole = *report.verification;
  EXPECT_EQ(again.request_id, "first");
  EXPECT_EQ(again.result, Comparison::different);
  EXPECT_EQ(again.position, "0/1A");
  EXPECT_EQ(again.tables_compared, 2u);
  EXPECT_EQ(again.tables_different, 1u);
  EXPECT_EQ(again.tables_not_compared, 1u);
  EXPECT_EQ(again.rows, 17u);
  EXPECT_EQ(again.moments, 4u);
  EXPECT_EQ(again.held_ms, 12u);
  EXPECT_EQ(again.kept_rows, 9u);
  EXPECT_EQ(again.kept_since, "2026-11-21T09:30:00Z");
  EXPECT_EQ(again.unread, whole.unread);
  ASSERT_EQ(again.tables.size(), whole.tables.size());
  for (std::size_t i = 0; i < whole.tables.size(); ++i) expect_same(again.tables[i], whole.tables[i]);
  EXPECT_EQ(again.sequences, whole.sequences);
  EXPECT_EQ(again.structure, whole.structure);
}

TEST(Verification, is_in_no_report_of_another_verb) {
  EXPECT_THAT(to_json(Report{}), Not(HasSubstr("verification")));
  EXPECT_FALSE(report_from_json(to_json(Report{})).value().verification);
}

TEST(Verification, has_the_words_that_others_read) {
  const std::string json = to_json(a_full_report());
  for (const char* said : {R"("result": "Equal")", R"("result": "Different")", R"("result": "NotCompared")",
                           R"("kind": "Missing")", R"("kind": "Extra")", R"("heldMilliseconds": 12)"})
    EXPECT_THAT(json, HasSubstr(said));
  EXPECT_THAT(to_json(a_report({a_table("t", Comparison::different, 1, 1)})), HasSubstr(R"("kind": "Differs")"));
}

TEST(Verification, is_asked_for_by_the_spec) {
  const Result<Spec> spec = spec_from_json(R"({"verify":{"requestID":"first"}})");
  ASSERT_TRUE(spec) << spec.error().what;
  EXPECT_EQ(spec->verify.request_id, "first");
  EXPECT_EQ(spec_from_json(to_json(*spec)).value().verify.request_id, "first");
  const Result<Spec> misspelt = spec_from_json(R"({"verify":{"request":"first"}})");
  ASSERT_FALSE(misspelt);
  EXPECT_EQ(misspelt.error().what, "spec.verify.request is unknown");
}

// What the kubelet keeps, read again.
Report shortened(const Report& report) {
  const std::string text = termination_message(report);
  EXPECT_LE(text.size(), 3584u);
  Result<Report> read = report_from_json(text);
  EXPECT_TRUE(read) << text;
  return read ? std::move(read).value() : Report{};
}

std::vector<std::string> names_of(const Report& report) {
  std::vector<std::string> names;
  for (const TableVerification& table : report.verification->tables) names.push_back(table.name);
  return names;
}

std::size_t rows_of(const Report& report) {
  std::size_t rows = 0;
  for (const TableVerification& table : report.verification->tables) rows += table.rows.size();
  return rows;
}

TEST(VerificationMessage, names_what_differs_most_first_and_nothing_that_is_equal) {
  const Report read =
      shortened(a_report({a_table("equal", Comparison::equal, 0, 0), a_table("unknown", Comparison::not_compared, 0, 0),
                          a_table("few", Comparison::different, 1, 1), a_table("many", Comparison::different, 9, 2)}));
  EXPECT_THAT(names_of(read), ElementsAre("many", "few", "unknown"));
  EXPECT_EQ(read.message, "tables differ");
  EXPECT_EQ(rows_of(read), 3u);
}

TEST(VerificationMessage, never_holds_a_value) {
  const Report report = a_full_report();
  EXPECT_THAT(to_json(report), HasSubstr("secret"));
  const std::string text = termination_message(report);
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, Not(HasSubstr("values")));
  EXPECT_THAT(text, HasSubstr("public.orders_id_seq"));
  EXPECT_THAT(text, HasSubstr("public.orders.total"));
}

TEST(VerificationMessage, spreads_twenty_rows_over_the_tables) {
  std::vector<TableVerification> tables = {a_table("a", Comparison::different, 100, 100)};
  for (const char* name : {"b", "c", "d", "e"}) tables.push_back(a_table(name, Comparison::different, 5, 1));
  Report report = a_report(std::move(tables));
  report.verification->tables_different = 5;
  const Report read = shortened(report);
  EXPECT_THAT(names_of(read), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(rows_of(read), 20u);
  for (const TableVerification& table : read.verification->tables)
    EXPECT_EQ(table.rows.size(), table.name == "a" ? 16u : 1u) << table.name;
  EXPECT_EQ(read.verification->tables.at(0).differing, 100u);
  EXPECT_EQ(read.message,
            "tables differ (0 tables, 84 rows, 0 sequences and 0 schema differences not shown, see the log)");
}

TEST(VerificationMessage, without_room_keeps_a_row_of_each_table_and_drops_schema_differences_first) {
  std::vector<TableVerification> tables;
  for (int i = 0; i < 12; ++i)
    tables.push_back(a_table("public.table_" + std::to_string(i), Comparison::different, 50, 50));
  for (TableVerification& table : tables)
    for (RowDifference& row : table.rows) row.key = std::string(1000, 'k');
  Report report = a_report(std::move(tables));
  for (int i = 0; i < 500; ++i) {
    report.verification->structure.push_back({"shop", "index", "public.i" + std::to_string(i), "there", ""});
    report.verification->sequences.push_back({"shop", "sequence", "public.s" + std::to_string(i), "9", "7"});
  }
  const Report read = shortened(report);
  EXPECT_TRUE(read.verification->structure.empty());
  EXPECT_TRUE(read.verification->sequences.empty());
  EXPECT_GE(read.verification->tables.size(), 8u);
  for (const TableVerification& table : read.verification->tables) EXPECT_EQ(table.rows.size(), 1u);
  const std::size_t missing = 12 - read.verification->tables.size();
  EXPECT_THAT(read.message,
              HasSubstr("(" + std::to_string(missing) + " tables, " + std::to_string(600 - rows_of(read)) +
                        " rows, 500 sequences and 500 schema differences not shown, see the log)"));
}

TEST(VerificationMessage, has_as_many_other_differences_as_fit) {
  Report report = a_report({});
  for (int i = 0; i < 500; ++i)
    report.verification->sequences.push_back({"shop", "sequence", "public.s" + std::to_string(i), "9", "7"});
  const std::string text = termination_message(report);
  EXPECT_GT(text.size(), 3200u) << "there was room for another";
  EXPECT_GT(shortened(report).verification->sequences.size(), 20u);
}

TEST(VerificationMessage, fits_whatever_its_texts_are_made_of) {
  for (const char byte : {'x', '\x01', '"', '\\', '\x80', '\xff'}) {
    const std::string text(5000, byte);
    TableVerification table = a_table(text, Comparison::different, 1, 0);
    table.reason = text;
    table.rows = {{.kind = RowDifference::Kind::missing, .key = text, .columns = std::vector(10, text)}};
    Report report = a_report(std::vector(100, table));
    report.message = text;
    report.verification->request_id = text;
    report.verification->structure = std::vector<ObjectDifference>(100, {"shop", "index", text, text, text});
    report.verification->sequences = report.verification->structure;
    EXPECT_EQ(shortened(report).verb, "verify");
  }
}

TEST(VerificationMessage, of_very_many_tables_is_made_all_the_same) {
  std::vector<TableVerification> tables;
  for (int i = 0; i < 20'000; ++i)
    tables.push_back(a_table("public.t" + std::to_string(i), Comparison::different, i == 7'777 ? 2u : 1u, 1));
  Report report = a_report(std::move(tables));
  report.verification->tables_different = 20'000;
  const Report read = shortened(report);
  ASSERT_FALSE(read.verification->tables.empty());
  EXPECT_EQ(read.verification->tables[0].name, "public.t7777");
  EXPECT_EQ(read.verification->tables_different, 20'000u);
  EXPECT_THAT(read.message, HasSubstr(std::to_string(20'000 - read.verification->tables.size()) + " tables"));
}

}  // namespace
}  // namespace tributary::api
