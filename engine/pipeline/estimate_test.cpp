#include "engine/pipeline/estimate.h"

#include <gtest/gtest.h>

namespace tributary::pipeline {
namespace {

TEST(EstimatedTime, is_that_of_the_benchmarks) {
  EXPECT_EQ(estimated_time(2, 1'000'000'000), Seconds(15));
  EXPECT_EQ(estimated_time(1000, 8'192'000), Seconds(12));
}

TEST(EstimatedTime, of_nothing_is_what_a_snapshot_takes_anyway) {
  EXPECT_EQ(estimated_time(0, 0), Seconds(2));
}

TEST(EstimatedTime, grows_with_the_bytes_to_any_size) {
  EXPECT_EQ(estimated_time(1, 75'000'000'000'000), Seconds(1'000'002));
}

}  // namespace
}  // namespace tributary::pipeline
