#include "engine/base/clock.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Clock, rfc3339_is_utc_with_seconds) {
  EXPECT_EQ(rfc3339(WallTime(std::chrono::seconds(1'700'000'000))), "2023-11-14T22:13:20Z");
}

TEST(Clock, parse_rfc3339_reads_what_kubernetes_writes) {
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20Z"), WallTime(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20.123456Z"), WallTime(std::chrono::seconds(1'700'000'000)));
}

TEST(Clock, parse_rfc3339_refuses_everything_else) {
  for (const char* text : {"", "Z", "2023-11-14T22:13:20", "2023-11-14T22:13:20+02:00", "2023-11-14 22:13:20Z",
                           "2023-13-14T22:13:20Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.x1Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Deadline, a_passed_deadline_has_nothing_left) {
  const Deadline deadline = Deadline::after(Milliseconds(-5));
  EXPECT_TRUE(deadline.passed());
  EXPECT_EQ(deadline.left(), Milliseconds(0));
}

TEST(Deadline, never_fits_into_a_poll_timeout) {
  EXPECT_FALSE(Deadline::never().passed());
  EXPECT_EQ(Deadline::never().left(), std::chrono::hours(24));
}

}  // namespace
}  // namespace tributary
