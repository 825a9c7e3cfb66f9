#include "engine/base/clock.h"

#include <algorithm>
#include <ctime>

namespace tributary {

Milliseconds Deadline::left() const {
  constexpr Milliseconds most = std::chrono::hours(24);
  if (at_ == SteadyTime::max()) return most;
  const auto left = std::chrono::duration_cast<Milliseconds>(at_ - SteadyClock::now());
  return std::clamp(left, Milliseconds(0), most);
}

std::string rfc3339(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

}  // namespace tributary
