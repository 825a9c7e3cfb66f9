#include "engine/base/clock.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Clock, rfc3339_is_utc_with_seconds) {
  EXPECT_EQ(rfc3339(WallTime(std::chrono::seconds(1'700'000'000))), "2023-11-14T22:13:20Z");
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
