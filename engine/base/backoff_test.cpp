#include "engine/base/backoff.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Backoff, delays_grow_up_to_the_cap_and_stay_within_the_jitter) {
  Backoff backoff({.first = Milliseconds(100), .factor = 2, .cap = Milliseconds(500), .jitter = 0.5}, 1);
  for (const int base : {100, 200, 400, 500, 500}) {
    const auto delay = backoff.next().count();
    EXPECT_GE(delay, base);
    EXPECT_LT(delay, base * 1.5);
  }
}

TEST(Backoff, reset_starts_over) {
  Backoff backoff({.first = Milliseconds(100), .factor = 2, .cap = Milliseconds(500), .jitter = 0}, 1);
  backoff.next();
  backoff.next();
  backoff.reset();
  EXPECT_EQ(backoff.next(), Milliseconds(100));
}

}  // namespace
}  // namespace tributary
