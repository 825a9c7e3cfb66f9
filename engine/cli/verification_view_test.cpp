#include "engine/cli/verification_view.h"

#include <gmock/gmock.h>

namespace tributary::cli {
namespace {

using api::Comparison;
using api::RowDifference;
using ::testing::HasSubstr;
using ::testing::Not;

api::TableVerification a_table(std::string name, Comparison result) {
  api::TableVerification table;
  table.database = "shop";
  table.name = std::move(name);
  table.result = result;
  table.source_rows = 1'000;
  table.target_rows = 1'000;
  return table;
}

api::Verification compared() {
  api::Verification found;
  found.result = Comparison::different;
  found.tables = {a_table("public.stock", Comparison::equal), a_table("public.log", Comparison::not_compared),
                  a_table("public.orders", Comparison::different)};
  found.tables[1].reason = "the target's role may not read it";
  api::TableVerification& orders = found.tables[2];
  orders.target_rows = 1'001;
  orders.differing = 1;
  orders.missing = 2;
  orders.extra = 3;
  orders.rows = {{.key = "id=17", .columns = {"total", "paid"}},
                 {.kind = RowDifference::Kind::missing, .key = "id=18"},
                 {.kind = RowDifference::Kind::extra, .key = "id=19", .copies = 3}};
  found.tables_compared = 2;
  found.tables_different = 1;
  found.tables_not_compared = 1;
  found.rows = 2'000;
  found.moments = 1;
  return found;
}

TEST(VerificationView, has_a_line_for_each_table_and_then_the_rows_that_differ) {
  EXPECT_EQ(verification_text(compared(), {}),
            "RESULT        TABLE               SOURCE ROWS  TARGET ROWS  DIFFERENCES\n"
            "different     shop.public.orders  1,000        1,001        1 row differs, 2 are missing, 3 too many\n"
            "not compared  shop.public.log     -            -            the target's role may not read it\n"
            "equal         shop.public.stock   1,000        1,000\n"
            "\n"
            "shop.public.orders\n"
            "  differs  id=17: total, paid\n"
            "  missing  id=18\n"
            "  extra    id=19, 3 times\n"
            "  and 1 more\n"
            "\n"
            "2,000 rows of 2 tables compared at 1 moment\n");
}

TEST(VerificationView, says_what_an_interrupted_attempt_has_compared) {
  api::Verification found = compared();
  found.kept_rows = found.tables[0].kept_rows = 1'000;
  found.kept_since = found.tables[0].kept_since = "2026-11-21T09:30:00Z";
  const std::string text = verification_text(found, {});
  EXPECT_THAT(text, HasSubstr("equal         shop.public.stock   1,000        1,000        1,000 rows as of "
                              "2026-11-21T09:30:00Z\n"));
  EXPECT_THAT(text, HasSubstr("compared at 1 moment; 1,000 rows of these were compared before that, by an attempt that "
                              "was interrupted, from 2026-11-21T09:30:00Z on\n"));
}

TEST(VerificationView, sums_up_tables_that_are_equal_where_they_are_many) {
  api::Verification found = compared();
  for (int i = 0; i < 20; ++i) found.tables.push_back(a_table("public.t" + std::to_string(i), Comparison::equal));
  const std::string text = verification_text(found, {});
  EXPECT_THAT(text, HasSubstr("21 tables with 21,000 rows are equal\n"));
  EXPECT_THAT(text, Not(HasSubstr("public.stock")));
  EXPECT_THAT(text, HasSubstr("different     shop.public.orders"));
  found.tables.pop_back();
  EXPECT_THAT(verification_text(found, {}), HasSubstr("equal         shop.public.t18"));
}

TEST(VerificationView, shows_values_of_the_ends_that_have_them) {
  api::Verification found = compared();
  std::vector<RowDifference>& rows = found.tables[2].rows;
  for (RowDifference& row : rows) row.values = {{.column = "total", .source = "10.00", .target = "'12'\x1b[2J"}};
  const std::string text = verification_text(found, {});
  EXPECT_THAT(text, HasSubstr("  differs  id=17: total, paid\n             total: source 10.00, target '12'?[2J\n"));
  EXPECT_THAT(text, HasSubstr("  missing  id=18\n             total: source 10.00\n"));
  EXPECT_THAT(text, HasSubstr("  extra    id=19, 3 times\n             total: target '12'?[2J\n"));
}

TEST(VerificationView, tells_sequences_and_the_schema_apart) {
  api::Verification found = compared();
  found.sequences = {{"shop", "sequence", "public.orders_id_seq", "9", "7"}};
  found.structure = {{"shop", "index", "public.orders_total", "CREATE INDEX a", ""},
                     {"shop", "trigger", "public.orders.audit", "", "CREATE TRIGGER b"}};
  EXPECT_THAT(verification_text(found, {}),
              HasSubstr("\nSequences that are behind\n"
                        "  sequence shop.public.orders_id_seq: source 9, target 7\n"
                        "\nSchema, apart from the data\n"
                        "  index shop.public.orders_total: missing on the target; source CREATE INDEX a\n"
                        "  trigger shop.public.orders.audit: only on the target: CREATE TRIGGER b\n"));
}

TEST(VerificationView, names_what_was_not_compared_beside_tables) {
  api::Verification found = compared();
  found.unread = {{"shop", "materialized view", 2, "rows come from REFRESH"}};
  EXPECT_THAT(verification_text(found, {}),
              HasSubstr("\nNot compared, and no part of the result\n"
                        "  2 materialized views of database shop: rows come from REFRESH\n"));
}

TEST(VerificationView, says_where_a_stream_was_read_and_how_long_it_stood_still) {
  api::Verification found = compared();
  found.position = "0/1A";
  found.held_ms = 1'200;
  found.moments = 4;
  EXPECT_THAT(verification_text(found, {}), HasSubstr("compared at 4 moments, the last at 0/1A; the sync stood still "
                                                      "for at most 1,200 ms\n"));
}

TEST(VerificationView, has_colours_where_asked_for_and_lets_no_name_move_the_cursor) {
  api::Verification found = compared();
  found.tables[2].name = "public.\x1b[31m";
  found.tables[2].rows[0].key = "id=\x1b[31m";
  found.sequences = {{"shop", "sequence", "public.\x1b[31m", "9", "7"}};
  EXPECT_EQ(verification_text(found, {}).find('\x1b'), std::string::npos);
  const std::string text = verification_text(found, {.colour = true, .width = 0});
  EXPECT_THAT(text, HasSubstr("\x1b[31mdifferent\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[33mnot compared\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[32mequal\x1b[0m"));
}

}  // namespace
}  // namespace tributary::cli
