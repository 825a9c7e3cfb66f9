#include "engine/base/glob.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Glob, a_star_takes_any_run_of_characters_and_nothing_else_is_special) {
  EXPECT_TRUE(glob("", ""));
  EXPECT_TRUE(glob("*", ""));
  EXPECT_TRUE(glob("a*c", "abbc"));
  EXPECT_TRUE(glob("a*b*c", "a_b_b_c"));
  EXPECT_TRUE(glob("**x", "x"));
  EXPECT_TRUE(glob("sh?p[1]", "sh?p[1]"));
  EXPECT_FALSE(glob("", "a"));
  EXPECT_FALSE(glob("a*c", "abcd"));
  EXPECT_FALSE(glob("abc", "ab"));
  EXPECT_FALSE(glob("sh?p", "shop"));
}

}  // namespace
}  // namespace tributary
