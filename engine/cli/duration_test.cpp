#include "engine/cli/duration.h"

#include <gtest/gtest.h>

namespace tributary::cli {
namespace {

TEST(Duration, is_read_in_every_unit_and_in_sums) {
  const std::pair<const char*, int> cases[] = {{"0", 0},     {"90s", 90},        {"15m", 900},
                                               {"2h", 7200}, {"1d", 86400},      {"1h30m", 5400},
                                               {"0s", 0},    {"365d", 31536000}, {"8760h", 31536000}};
  for (const auto& [text, seconds] : cases) {
    const Result<Seconds> read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->count(), seconds) << text;
  }
}

TEST(Duration, anything_else_is_refused) {
  for (const char* text : {"", "15", "s", "-1s", "+1s", "1.5h", "1w", "1h30", "1 h", "90S", "366d", "4294967295d",
                           "365d1s", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationText, shows_two_units) {
  EXPECT_EQ(duration_text(Seconds(-5)), "0s");
  EXPECT_EQ(duration_text(Seconds(45)), "45s");
  EXPECT_EQ(duration_text(Seconds(725)), "12m05s");
  EXPECT_EQ(duration_text(Seconds(11220)), "3h07m");
  EXPECT_EQ(duration_text(Seconds(353000)), "4d02h");
}

}  // namespace
}  // namespace tributary::cli
