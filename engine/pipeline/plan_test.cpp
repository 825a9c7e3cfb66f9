#include "engine/pipeline/plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t mib = 1U << 20;
constexpr std::uint64_t page = 8192;

model::Table table(const std::string& name, std::uint64_t bytes) {
  model::Table made;
  made.name = {"public", name};
  made.bytes = bytes;
  made.pages = (bytes + page - 1) / page;
  return made;
}

std::vector<Batch> plan(const std::vector<model::Table>& tables, const PlanLimits& limits = {}) {
  return plan_copy(tables, std::vector<bool>(tables.size()), limits);
}

PlanLimits splitting(int streams) {
  PlanLimits limits;
  limits.streams = streams;
  limits.splits_tables = true;
  return limits;
}

std::vector<std::size_t> tables_of(const Batch& batch) {
  std::vector<std::size_t> tables;
  for (const model::CopyPart& part : batch.parts) tables.push_back(part.table);
  return tables;
}

TEST(Plan, copies_the_biggest_table_first) {
  const std::vector<Batch> batches = plan({table("a", 20 * mib), table("b", 80 * mib), table("c", 40 * mib)});
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_THAT(tables_of(batches[0]), ElementsAre(1));
  EXPECT_THAT(tables_of(batches[1]), ElementsAre(2));
  EXPECT_THAT(tables_of(batches[2]), ElementsAre(0));
}

TEST(Plan, puts_small_tables_into_one_batch_and_never_a_big_one_beside_them) {
  const std::vector<Batch> batches =
      plan({table("small", mib), table("big", 9 * mib), table("empty", 0), table("tiny", page)});
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_THAT(tables_of(batches[0]), ElementsAre(1));
  EXPECT_THAT(tables_of(batches[1]), ElementsAre(0, 2, 3));
}

TEST(Plan, ends_a_batch_of_small_tables_at_its_bytes_and_at_its_number_of_tables) {
  PlanLimits limits;
  limits.batch_bytes = 5 * mib;
  limits.batch_tables = 2;
  const std::vector<Batch> batches = plan({table("a", 3 * mib), table("b", 3 * mib), table("c", page), table("d", page),
                                           table("e", page), table("f", page)},
                                          limits);
  std::vector<std::vector<std::size_t>> found;
  for (const Batch& batch : batches) found.push_back(tables_of(batch));
  EXPECT_THAT(found, ElementsAre(ElementsAre(1, 2), ElementsAre(0), ElementsAre(3, 4), ElementsAre(5)));
}

TEST(Plan, gives_an_empty_table_a_batch_too) {
  const std::vector<Batch> batches = plan({table("empty", 0)});
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].parts.size(), 1U);
}

TEST(Plan, leaves_out_the_tables_that_are_kept) {
  const std::vector<model::Table> tables{table("a", 9 * mib), table("b", 9 * mib), table("c", page)};
  const std::vector<Batch> batches = plan_copy(tables, {true, false, true}, {});
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_THAT(tables_of(batches[0]), ElementsAre(1));
  EXPECT_THAT(plan_copy(tables, {true, true, true}, {}), IsEmpty());
}

TEST(Plan, splits_a_table_that_would_keep_one_stream_busy_after_all_others) {
  const std::vector<Batch> batches = plan({table("tail", 4096 * mib), table("other", 10 * mib)}, splitting(4));
  EXPECT_EQ(
      std::count_if(batches.begin(), batches.end(), [](const Batch& each) { return tables_of(each).front() == 0; }), 4);
}

TEST(Plan, splits_no_table_for_less_than_three_streams_nor_where_the_source_cannot_read_ranges) {
  const std::vector<model::Table> tables{table("tail", 4096 * mib)};
  EXPECT_EQ(plan(tables, splitting(2)).size(), 1U);
  PlanLimits whole = splitting(8);
  whole.splits_tables = false;
  EXPECT_EQ(plan(tables, whole).size(), 1U);
}

TEST(Plan, splits_no_table_that_is_below_its_even_share) {
  std::vector<model::Table> tables;
  for (int number = 0; number < 8; ++number) tables.push_back(table("t" + std::to_string(number), 2048 * mib));
  EXPECT_EQ(plan(tables, splitting(4)).size(), 8U);
}

TEST(Plan, splits_no_table_whose_pages_are_unknown) {
  model::Table foreign = table("foreign", 4096 * mib);
  foreign.pages = 0;
  EXPECT_EQ(plan({foreign}, splitting(4)).size(), 1U);
}

// Random databases under random limits.
class AnyPlan : public ::testing::Test {
 protected:
  std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_); }

  void draw() {
    tables_.clear();
    kept_.clear();
    const std::uint64_t count = below(60);
    for (std::uint64_t number = 0; number < count; ++number) {
      tables_.push_back(table("t" + std::to_string(number), below(std::uint64_t{1} << below(40))));
      if (below(8) == 0) tables_.back().pages = below(4);
      kept_.push_back(below(6) == 0);
    }
    limits_ = {};
    limits_.streams = static_cast<int>(1 + below(16));
    limits_.splits_tables = below(4) != 0;
    limits_.small_table = below(16 * mib);
    limits_.batch_bytes = below(64 * mib);
    limits_.batch_tables = 1 + below(20);
    limits_.smallest_part = 1 + below(512 * mib);
  }

  void expect_every_page_exactly_once(const std::map<int, model::CopyPart>& parts) const {
    std::uint64_t next_page = 0;
    int number = 0;
    const int of = parts.begin()->second.of;
    ASSERT_EQ(parts.size(), static_cast<std::size_t>(of));
    for (const auto& [key, part] : parts) {
      EXPECT_EQ(key, number++);
      EXPECT_EQ(part.of, of);
      EXPECT_EQ(part.first_page, next_page);
      next_page = part.end_page;
      EXPECT_TRUE(number == of || part.end_page > part.first_page) << "an empty range, or one that means all the rest";
    }
    EXPECT_EQ(next_page, 0U) << "the last part takes the rest, however long the table is by then";
  }

  const std::uint64_t seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  std::vector<model::Table> tables_;
  std::vector<bool> kept_;
  PlanLimits limits_;
};

TEST_F(AnyPlan, covers_every_page_of_every_table_exactly_once) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    draw();
    std::map<std::size_t, std::map<int, model::CopyPart>> found;
    for (const Batch& batch : plan_copy(tables_, kept_, limits_))
      for (const model::CopyPart& part : batch.parts)
        EXPECT_TRUE(found[part.table].emplace(part.number, part).second) << "a part was planned twice";
    for (std::size_t index = 0; index < tables_.size(); ++index) {
      SCOPED_TRACE("round " + std::to_string(round) + ", table " + std::to_string(index));
      ASSERT_EQ(found.count(index), kept_[index] ? 0U : 1U);
      if (!kept_[index]) expect_every_page_exactly_once(found[index]);
    }
  }
}

TEST_F(AnyPlan, keeps_to_its_limits_and_puts_the_most_bytes_first) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    draw();
    const std::vector<Batch> batches = plan_copy(tables_, kept_, limits_);
    EXPECT_TRUE(std::is_sorted(batches.begin(), batches.end(),
                               [](const Batch& left, const Batch& right) { return left.bytes > right.bytes; }));
    for (const Batch& batch : batches) {
      ASSERT_FALSE(batch.parts.empty());
      EXPECT_LE(batch.parts.size(), limits_.batch_tables);
      EXPECT_LE(batch.parts.front().of, limits_.streams);
      if (batch.parts.size() == 1) continue;
      EXPECT_LE(batch.bytes, limits_.batch_bytes);
      for (const model::CopyPart& part : batch.parts) EXPECT_EQ(part.of, 1) << "a part of a large table shares a batch";
    }
  }
}

}  // namespace
}  // namespace tributary::pipeline
