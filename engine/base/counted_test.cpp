#include "engine/base/counted.h"

#include <gtest/gtest.h>

#include <utility>

namespace tributary {
namespace {

TEST(Counted, is_one_thing_or_several) {
  EXPECT_EQ(counted(0, "table"), "0 tables");
  EXPECT_EQ(counted(1, "table"), "1 table");
  EXPECT_EQ(counted(1234, "table"), "1234 tables");
}

TEST(Bytes, are_short_and_readable) {
  const std::pair<double, const char*> cases[] = {{0, "0 B"},        {999, "999 B"},    {999.7, "1.0 kB"},
                                                  {1'234, "1.2 kB"}, {12'345, "12 kB"}, {999'600, "1.0 MB"},
                                                  {9.96e9, "10 GB"}, {2e18, "2000 PB"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(bytes_text(bytes), text);
  EXPECT_EQ(bytes_text(std::uint64_t{34'000'000'000}), "34 GB");
}

}  // namespace
}  // namespace tributary
