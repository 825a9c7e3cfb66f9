#pragma once

#include <atomic>

#include "engine/base/clock.h"

namespace tributary::torture {

// A life of minutes in seconds: the clock of everything in a trial goes this much faster than the machine's.
inline constexpr int haste = 100;

// Thread-safe.
class Clock {
 public:
  WallTime now() const { return begin_ + haste * (SteadyClock::now() - steady_) + Seconds(ahead_.load()); }
  // From here on it is so much ahead.
  void step(Seconds ahead) { ahead_ = ahead.count(); }

 private:
  std::atomic<Seconds::rep> ahead_ = 0;
  const WallTime begin_ = WallTime(Seconds(1'700'000'000));
  const SteadyTime steady_ = SteadyClock::now();
};

// What a span of that clock is for the machine.
inline Milliseconds real(Milliseconds span) {
  return span / haste;
}

}  // namespace tributary::torture
