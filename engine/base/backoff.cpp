#include "engine/base/backoff.h"

#include <algorithm>
#include <cmath>

namespace tributary {

Backoff::Backoff(Limits limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

Milliseconds Backoff::next() {
  const double cap = static_cast<double>(limits_.cap.count());
  const double grown = static_cast<double>(limits_.first.count()) * std::pow(limits_.factor, attempts_);
  const double base = std::min(cap, grown);
  attempts_ = std::min(attempts_ + 1, 64);
  std::uniform_real_distribution<double> extra(0.0, limits_.jitter);
  return Milliseconds(static_cast<Milliseconds::rep>(base * (1.0 + extra(random_))));
}

}  // namespace tributary
