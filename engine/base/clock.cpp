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

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  constexpr std::size_t seconds_end = 19;
  if (text.size() <= seconds_end || text.size() > 32 || text.back() != 'Z') return std::nullopt;
  const std::string_view fraction = text.substr(seconds_end, text.size() - seconds_end - 1);
  if (!fraction.empty() && (fraction.size() == 1 || fraction.front() != '.' ||
                            fraction.find_first_not_of("0123456789", 1) != fraction.npos)) {
    return std::nullopt;
  }
  std::tm parts{};
  const std::string seconds(text.substr(0, seconds_end));
  if (strptime(seconds.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) != seconds.c_str() + seconds_end) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace tributary
