#include "operator/kube/watchdog.h"

#include <algorithm>
#include <utility>

namespace tributary::kube {

Watchdog::Work::Work(Watchdog& watchdog, std::string name, SteadyTime began) : watchdog_(watchdog) {
  const std::lock_guard lock(watchdog_.mutex_);
  entry_ = watchdog_.going_on_.insert(watchdog_.going_on_.end(), {std::move(name), began});
}

Watchdog::Work::~Work() {
  const std::lock_guard lock(watchdog_.mutex_);
  watchdog_.going_on_.erase(entry_);
}

std::optional<std::string> Watchdog::complaint(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto longest = std::min_element(going_on_.begin(), going_on_.end(),
                                        [](const auto& left, const auto& right) { return left.began < right.began; });
  if (longest == going_on_.end() || now - longest->began < limit_) return std::nullopt;
  const auto span = std::chrono::duration_cast<Seconds>(now - longest->began);
  return "work on " + longest->name + " goes on for " + std::to_string(span.count()) + " s";
}

}  // namespace tributary::kube
