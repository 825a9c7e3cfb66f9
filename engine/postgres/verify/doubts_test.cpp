#include "engine/postgres/verify/doubts.h"

#include <gtest/gtest.h>

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Both;
using tributary::verify::Found;
using Kind = api::RowDifference::Kind;
using States = Both<RowState>;

RowState row(const std::string& hash, const std::string& version = "900 ") {
  return {hash, version};
}
const RowState nothing;

TEST(ADoubt, is_none_where_both_ends_are_equal_in_any_moment) {
  EXPECT_EQ(judge({}, {row("1 "), row("1 ", "7 ")}, false), Answer::equal);
  EXPECT_EQ(judge({{}, States{row("1 "), row("2 ")}}, {nothing, nothing}, false), Answer::equal);
}

TEST(ADoubt, is_a_difference_at_a_moment_that_is_exact) {
  EXPECT_EQ(judge({}, {row("1 "), row("2 ")}, true), Answer::different);
}

TEST(ADoubt, is_a_difference_where_the_source_has_not_written_the_row_since) {
  EXPECT_EQ(judge({{}, States{row("1 "), row("2 ")}}, {row("1 "), row("2 ")}, false), Answer::different);
  EXPECT_EQ(judge({{}, States{row("1 "), nothing}}, {row("1 "), nothing}, false), Answer::different);
}

TEST(ADoubt, is_a_difference_where_the_target_still_has_what_the_source_has_not) {
  EXPECT_EQ(judge({{}, States{nothing, row("1 ")}}, {nothing, row("1 ")}, false), Answer::different);
}

TEST(ADoubt, stays_one_where_it_is_seen_first) {
  EXPECT_EQ(judge({}, {row("1 "), row("2 ")}, false), Answer::unknown);
}

TEST(ADoubt, stays_one_where_a_row_was_written_since_though_it_looks_the_same) {
  EXPECT_EQ(judge({{}, States{row("1 ", "8 "), row("2 ")}}, {row("1 ", "9 "), row("2 ")}, false), Answer::unknown);
  EXPECT_EQ(judge({{}, States{nothing, row("1 ", "8 ")}}, {nothing, row("1 ", "9 ")}, false), Answer::unknown);
}

TEST(ADoubt, stays_one_where_a_table_has_no_key_and_so_no_row_has_a_version) {
  EXPECT_EQ(judge({{}, States{row("1 ", " "), row("2 ", " ")}}, {row("1 ", " "), row("2 ", " ")}, false),
            Answer::unknown);
}

TEST(ADoubt, becomes_the_difference_that_is_there_now) {
  const Doubt doubt{Found{Kind::missing, 1, {}}};
  EXPECT_EQ(found_now(doubt, {row("1 "), row("2 ")}, true).kind, Kind::differs);
  EXPECT_EQ(found_now(doubt, {row("1 "), nothing}, true).kind, Kind::missing);
  EXPECT_EQ(found_now(doubt, {nothing, row("2 ")}, true).kind, Kind::extra);
}

TEST(ADoubt, of_a_table_without_a_key_counts_copies) {
  const Found missing = found_now({}, {row("7 ", " "), row("4 ", " ")}, false);
  EXPECT_EQ(missing.kind, Kind::missing);
  EXPECT_EQ(missing.copies, 3U);
  const Found extra = found_now({}, {nothing, row("2 ", " ")}, false);
  EXPECT_EQ(extra.kind, Kind::extra);
  EXPECT_EQ(extra.copies, 2U);
}

}  // namespace
}  // namespace tributary::postgres::verify
