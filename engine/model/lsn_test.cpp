#include "engine/model/lsn.h"

#include <gtest/gtest.h>

namespace tributary::model {
namespace {

TEST(Lsn, prints_and_parses_as_the_server_does) {
  EXPECT_EQ(to_string(Lsn{0x16B374D848}), "16/B374D848");
  EXPECT_EQ(parse_lsn("16/B374D848"), Lsn{0x16B374D848});
  EXPECT_EQ(parse_lsn("FFFFFFFF/FFFFFFFF"), Lsn{~std::uint64_t{0}});
  EXPECT_EQ(parse_lsn("0/0"), Lsn{});
}

TEST(Lsn, what_is_no_position_is_refused) {
  for (const char* text : {"", "/", "1", "1/", "/1", "1/2/3", "1/G", "123456789/0", "-1/0", " 1/0"}) {
    EXPECT_EQ(parse_lsn(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tributary::model
