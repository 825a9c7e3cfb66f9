#include "engine/postgres/verify/work.h"

#include <gtest/gtest.h>

namespace tributary::postgres::verify {
namespace {

using api::Comparison;

Compared table(const std::string& name) {
  Compared compared;
  compared.subject = {{"public", name}, {{"public", name}}};
  compared.result.name = "public." + name;
  return compared;
}

api::TableVerification rows(std::uint64_t source, std::uint64_t missing = 0) {
  api::TableVerification found;
  found.source_rows = source;
  found.target_rows = source - missing;
  found.missing = missing;
  if (missing > 0) found.rows.push_back({api::RowDifference::Kind::missing, "id=" + std::to_string(source)});
  return found;
}

TEST(Work, gives_the_largest_range_first) {
  Work work({table("a"), table("b")}, {{0, 0, {}, 10}, {1, 0, {}, 1000}, {1, 1, {}, 100}});
  EXPECT_EQ(work.left(), 3U);
  EXPECT_EQ(work.take()->bytes, 1000U);
  EXPECT_EQ(work.take()->bytes, 100U);
  EXPECT_EQ(work.take()->bytes, 10U);
  EXPECT_FALSE(work.take());
}

TEST(Work, sums_a_tables_ranges_up_and_judges_it_with_the_last) {
  Work work({table("a")}, {{0, 0, {}, 2}, {0, 1, {}, 1}});
  EXPECT_FALSE(work.done(*work.take(), rows(10)));
  EXPECT_TRUE(work.done(*work.take(), rows(5, 2)));
  const api::TableVerification result = work.results().front();
  EXPECT_EQ(result.result, Comparison::different);
  EXPECT_EQ(result.source_rows, 15U);
  EXPECT_EQ(result.target_rows, 13U);
  EXPECT_EQ(result.missing, 2U);
  EXPECT_EQ(result.rows.size(), 1U);
}

TEST(Work, claims_nothing_of_a_table_whose_ranges_are_not_all_done) {
  Work work({table("a")}, {{0, 0, {}, 2}, {0, 1, {}, 1}});
  work.done(*work.take(), rows(10));
  EXPECT_EQ(work.results().front().result, Comparison::not_compared);
}

TEST(Work, claims_nothing_of_a_table_of_which_one_range_was_given_up) {
  Work work({table("a")}, {{0, 0, {}, 2}, {0, 1, {}, 1}});
  const Range first = *work.take();
  const Range second = *work.take();
  work.done(first, rows(10, 2));
  work.give_up(first.table, "denied");
  EXPECT_FALSE(work.done(second, rows(10)));
  EXPECT_EQ(work.results().front().source_rows, 0U) << "nor are its rows counted";
  EXPECT_EQ(work.results().front().missing, 0U);
  EXPECT_TRUE(work.results().front().rows.empty());
  EXPECT_EQ(work.results().front().name, "public.a");
  EXPECT_EQ(work.results().front().result, Comparison::not_compared);
  EXPECT_EQ(work.results().front().reason, "denied");
}

TEST(Work, that_is_put_back_waits_for_another_moment) {
  Work work({table("a")}, {{0, 0, {}, 2}});
  work.put_back(*work.take());
  EXPECT_EQ(work.left(), 1U);
  EXPECT_FALSE(work.take());
  work.begin_moment();
  EXPECT_TRUE(work.take());
}

TEST(Work, asks_no_more_of_a_table_that_was_given_up) {
  Work work({table("a"), table("b")}, {{0, 0, {}, 9}, {0, 1, {}, 8}, {1, 0, {}, 1}, {0, 2, {}, 7}});
  work.put_back(*work.take());
  work.give_up(0, "denied");
  EXPECT_EQ(work.left(), 1U);
  EXPECT_EQ(work.take()->table, 1U);
}

TEST(Work, disclaims_what_was_found_of_a_table_that_was_defined_anew) {
  Work work({table("a")}, {{0, 0, {}, 1}});
  work.done(*work.take(), rows(1));
  work.disclaim({{model::Name{"public", "a"}, "defined anew"}});
  EXPECT_EQ(work.results()[0].result, Comparison::not_compared);
}

TEST(Work, knows_what_an_earlier_process_has_found) {
  Work work({table("a"), table("b")}, {{0, 0, {}, 2}, {0, 1, {}, 1}, {1, 0, {}, 1}});
  EXPECT_EQ(work.knows({{{0, 1, {}, 1}, rows(3)}, {{1, 0, {}, 1}, rows(4, 1)}}), (std::vector<std::size_t>{1}));
  EXPECT_EQ(work.left(), 1U);
  work.done(*work.take(), rows(7));
  EXPECT_EQ(work.results()[0].result, Comparison::equal);
  EXPECT_EQ(work.results()[0].source_rows, 10U);
  EXPECT_EQ(work.results()[1].result, Comparison::different);
}

TEST(Work, passes_over_tables_that_are_not_comparable_by_now) {
  Work work({table("a"), table("b")}, {{0, 0, {}, 2}, {1, 0, {}, 1}});
  work.give_up({{model::Name{"public", "a"}, "it has stopped"}});
  EXPECT_EQ(work.left(), 1U);
  work.done(*work.take(), rows(1));
  EXPECT_EQ(work.results()[0].reason, "it has stopped");
  EXPECT_EQ(work.results()[1].result, Comparison::equal);
}

TEST(Work, keeps_doubts_apart_until_they_are_settled) {
  Work work({table("a"), table("b")}, {{0, 0, {}, 2}, {1, 0, {}, 1}});
  work.done(*work.take(), rows(5), {Doubt{}, Doubt{}});
  work.done(*work.take(), rows(1));
  ASSERT_EQ(work.doubts().size(), 1U);
  EXPECT_EQ(work.doubts().at(0).size(), 2U);
  work.settle(0, rows(0), false);
  EXPECT_EQ(work.results()[0].result, Comparison::equal);
  api::TableVerification one;
  one.differing = 1;
  work.settle(0, one, true);
  EXPECT_TRUE(work.doubts().empty());
  EXPECT_EQ(work.results()[0].result, Comparison::different);
}

TEST(Work, names_rows_in_the_order_of_their_numbers) {
  Work work({table("a")}, {{0, 0, {}, 1}});
  api::TableVerification found;
  for (const char* key : {"id=10", "id=9", "id=100"}) found.rows.push_back({api::RowDifference::Kind::extra, key});
  found.extra = 3;
  work.done(*work.take(), found);
  const api::TableVerification result = work.results().front();
  EXPECT_EQ(result.rows[0].key, "id=9");
  EXPECT_EQ(result.rows[2].key, "id=100");
}

}  // namespace
}  // namespace tributary::postgres::verify
