#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// Time as values. Only shells read a clock; pure functions are handed a time.
namespace tributary {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// A point in time by which a call must be over. Copy it down the calls; never restart it.
class Deadline {
 public:
  static Deadline after(Milliseconds span) { return Deadline{SteadyClock::now() + span}; }
  static Deadline never() { return Deadline{SteadyTime::max()}; }

  // This one, or `at` if that comes sooner.
  Deadline no_later_than(SteadyTime at) const { return Deadline{at < at_ ? at : at_}; }

  bool passed() const { return SteadyClock::now() >= at_; }
  // Never negative. A deadline that never comes answers one day, so that it fits poll().
  Milliseconds left() const;
  SteadyTime at() const { return at_; }

 private:
  explicit Deadline(SteadyTime at) : at_(at) {}
  SteadyTime at_;
};

// RFC 3339 in UTC with second precision ("2026-11-21T09:30:00Z"), the form of Kubernetes' metav1.Time.
std::string rfc3339(WallTime time);

// The inverse, also for fractions of a second (dropped). Only UTC, which is what Kubernetes writes.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace tributary
