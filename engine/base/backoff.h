#pragma once

#include <cstdint>
#include <random>

#include "engine/base/clock.h"

namespace tributary {

// Exponential backoff with jitter: the n-th delay is drawn from [d, d * (1 + jitter)) with d = first * factor^n,
// at most `cap` before jitter. Not thread-safe; each loop owns its own.
class Backoff {
 public:
  struct Limits {
    Milliseconds first{800};
    double factor = 2.0;
    Milliseconds cap{30'000};
    double jitter = 1.0;
  };

  explicit Backoff(Limits limits, std::uint64_t seed = std::random_device{}());

  Milliseconds next();
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  Limits limits_;
  std::mt19937_64 random_;
  int attempts_ = 0;
};

}  // namespace tributary
