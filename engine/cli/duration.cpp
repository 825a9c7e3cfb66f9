#include "engine/cli/duration.h"

#include <charconv>
#include <cstdio>

namespace tributary::cli {
namespace {

constexpr Seconds longest = std::chrono::hours(365 * 24);

Seconds unit_of(char letter) {
  switch (letter) {
    case 's':
      return Seconds(1);
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::hours(24);
    default:
      return Seconds(0);
  }
}

Error no_duration(std::string_view text) {
  return {Fault::invalid, "'" + std::string(text) + "' is not a duration", "write it like 90s, 15m, 2h, 1d or 1h30m"};
}

std::string two_units(long long large, char large_unit, long long small, char small_unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld%c%02lld%c", large, large_unit, small, small_unit);
  return text;
}

}  // namespace

Result<Seconds> parse_duration(std::string_view text) {
  if (text == "0") return Seconds(0);
  if (text.empty()) return no_duration(text);
  Seconds sum(0);
  std::string_view rest = text;
  while (!rest.empty()) {
    std::uint32_t number = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (problem != std::errc{} || end == rest.data() + rest.size()) return no_duration(text);
    const Seconds unit = unit_of(*end);
    if (unit == Seconds(0)) return no_duration(text);
    if (number > longest / unit) return Error{Fault::invalid, "'" + std::string(text) + "' is longer than 365 days"};
    sum += number * unit;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  }
  if (sum > longest) return Error{Fault::invalid, "'" + std::string(text) + "' is longer than 365 days"};
  return sum;
}

std::string duration_text(Seconds span) {
  const long long seconds = span.count() < 0 ? 0 : span.count();
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return two_units(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 24 * 3600) return two_units(seconds / 3600, 'h', seconds / 60 % 60, 'm');
  return two_units(seconds / (24 * 3600), 'd', seconds / 3600 % 24, 'h');
}

std::string about(Seconds span) {
  return "about " + duration_text(span);
}

}  // namespace tributary::cli
