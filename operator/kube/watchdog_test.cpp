#include "operator/kube/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

using ::testing::HasSubstr;

const SteadyTime start = SteadyTime() + std::chrono::hours(1);

TEST(Watchdog, complains_about_work_that_goes_on_for_as_long_as_the_limit) {
  Watchdog watchdog(Seconds(600));
  EXPECT_EQ(watchdog.complaint(start), std::nullopt);
  const Watchdog::Work work(watchdog, "prod/shop", start);
  EXPECT_EQ(watchdog.complaint(start + Seconds(599)), std::nullopt);
  EXPECT_THAT(watchdog.complaint(start + Seconds(612)).value(), HasSubstr("prod/shop goes on for 612 s"));
}

TEST(Watchdog, names_the_longest_and_forgets_what_has_ended) {
  Watchdog watchdog(Seconds(600));
  const Watchdog::Work later(watchdog, "later", start + Seconds(10));
  {
    const Watchdog::Work longest(watchdog, "longest", start);
    const Watchdog::Work latest(watchdog, "latest", start + Seconds(20));
    EXPECT_THAT(watchdog.complaint(start + Seconds(700)).value(), HasSubstr("longest"));
  }
  EXPECT_THAT(watchdog.complaint(start + Seconds(700)).value(), HasSubstr("later"));
}

}  // namespace
}  // namespace tributary::kube
