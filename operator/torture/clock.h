#pragma once

#include "engine/base/clock.h"

namespace tributary::torture {

// A life of minutes in seconds: the clock of everything in a trial goes this much faster than the machine's.
inline constexpr int haste = 100;

// Thread-safe.
class Clock {
 public:
  WallTime now() const { return begin_ + haste * (SteadyClock::now() - steady_); }

 private:
  const WallTime begin_ = WallTime(Seconds(1'700'000'000));
  const SteadyTime steady_ = SteadyClock::now();
};

// What a span of that clock is for the machine.
inline Milliseconds real(Milliseconds span) {
  return span / haste;
}

}  // namespace tributary::torture
