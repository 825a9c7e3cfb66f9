#include "engine/base/nearest.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(EditDistance, counts_insertions_deletions_replacements_and_swaps_of_neighbours) {
  struct Case {
    const char* a;
    const char* b;
    std::size_t distance;
  };
  for (const Case& each : {Case{"", "", 0}, Case{"", "abc", 3}, Case{"orders", "orders", 0}, Case{"order", "orders", 1},
                           Case{"kitten", "sitting", 3}, Case{"odrers", "orders", 1}, Case{"ab", "ba", 1},
                           Case{"ca", "abc", 3}, Case{"Orders", "orders", 1}, Case{"xabdc", "yabcd", 2}}) {
    EXPECT_EQ(edit_distance(each.a, each.b), each.distance) << each.a << " " << each.b;
    EXPECT_EQ(edit_distance(each.b, each.a), each.distance) << each.b << " " << each.a;
  }
}

TEST(Nearest, is_a_misspelt_word_or_the_only_one_that_begins_so) {
  const std::vector<std::string> known = {"host", "hostaddr", "password", "sslmode"};
  EXPECT_EQ(nearest("pasword", known), "password");
  EXPECT_EQ(nearest("hsot", known), "host");
  EXPECT_EQ(nearest("ssl", known), "sslmode");
  EXPECT_EQ(nearest("other", known), "");
}

}  // namespace
}  // namespace tributary
