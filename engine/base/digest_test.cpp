#include "engine/base/digest.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Digest, is_fnv_1a) {
  // Published test vectors of FNV-1a, 64 bits.
  EXPECT_EQ(digest(""), "cbf29ce484222325");
  EXPECT_EQ(digest("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(digest("foobar"), "85944171f73967e8");
}

}  // namespace
}  // namespace tributary
