#include "operator/api/quantity.h"

#include <gtest/gtest.h>

namespace tributary::v1alpha1 {
namespace {

TEST(Quantity, is_read_with_the_suffixes_of_kubernetes) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("123"), 123U);
  EXPECT_EQ(parse_bytes("5k"), 5'000U);
  EXPECT_EQ(parse_bytes("500M"), 500'000'000U);
  EXPECT_EQ(parse_bytes("2Ki"), 2'048U);
  EXPECT_EQ(parse_bytes("50Gi"), std::uint64_t{50} << 30);
  EXPECT_EQ(parse_bytes("3Pi"), std::uint64_t{3} << 50);
}

TEST(Quantity, any_other_text_is_none) {
  for (const char* text : {"", "Gi", "-1", "1.5Gi", "1K", "1ki", "1E", "1 Gi", " 1", "1Gib", "1m", "1e3",
                           "1234567890123456", "999999999999999Pi"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

}  // namespace
}  // namespace tributary::v1alpha1
