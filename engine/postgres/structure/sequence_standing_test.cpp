#include "engine/postgres/structure/sequence_standing.h"

#include <gtest/gtest.h>

#include <limits>

namespace tributary::postgres::structure {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();

TEST(ASequence, is_behind_where_its_next_number_was_handed_out) {
  EXPECT_TRUE(is_behind({10, true}, {9, true}));
  EXPECT_TRUE(is_behind({10, true}, {10, false}));
  EXPECT_FALSE(is_behind({10, true}, {10, true}));
  EXPECT_FALSE(is_behind({10, true}, {11, false}));
  EXPECT_TRUE(is_behind({10, true}, {1, false}));
}

TEST(ASequence, that_was_set_to_its_next_number_has_handed_out_those_below) {
  EXPECT_TRUE(is_behind({10, false}, {9, false}));
  EXPECT_TRUE(is_behind({10, false}, {8, true}));
  EXPECT_FALSE(is_behind({10, false}, {9, true}));
  EXPECT_FALSE(is_behind({10, false}, {10, false}));
}

TEST(ASequence, that_has_handed_out_nothing_leaves_none_behind) {
  EXPECT_FALSE(is_behind({100, false, 100}, {1, false}));
}

TEST(ASequence, that_counts_down_is_behind_above) {
  EXPECT_TRUE(is_behind({-10, true, -1, -1}, {-9, true, -1, -1}));
  EXPECT_FALSE(is_behind({-10, true, -1, -1}, {-10, true, -1, -1}));
  EXPECT_FALSE(is_behind({-10, true, -1, -1}, {-20, true, -1, -1}));
  EXPECT_TRUE(is_behind({-10, false, -1, -1}, {-9, false, -1, -1}));
}

TEST(ASequence, is_asked_for_its_own_next_number) {
  EXPECT_FALSE(is_behind({100, true, 1, 5}, {97, true, 1, 5}));
  EXPECT_TRUE(is_behind({100, true, 1, 5}, {95, true, 1, 5}));
}

TEST(ASequence, at_its_end_hands_out_nothing) {
  EXPECT_FALSE(is_behind({largest, true}, {largest, true}));
  EXPECT_FALSE(is_behind({smallest, true, -1, -1}, {smallest, true, -1, -1}));
}

}  // namespace
}  // namespace tributary::postgres::structure
