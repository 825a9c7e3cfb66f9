#include "operator/api/duration.h"

#include <array>
#include <utility>

namespace tributary::v1alpha1 {

std::optional<Seconds> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<char, int>, 3> units = {{{'h', 3600}, {'m', 60}, {'s', 1}}};
  if (text == "0") return Seconds{0};
  if (text.empty()) return std::nullopt;
  Seconds sum{0};
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::size_t digits = 0;
    int number = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
      if (digits == 5) return std::nullopt;
      number = number * 10 + (text[digits++] - '0');
    }
    if (digits == 0 || digits == text.size()) return std::nullopt;
    while (next_unit < units.size() && units[next_unit].first != text[digits]) ++next_unit;
    if (next_unit == units.size()) return std::nullopt;
    sum += Seconds{std::int64_t{number} * units[next_unit++].second};
    text.remove_prefix(digits + 1);
  }
  return sum;
}

std::string duration_text(Seconds duration) {
  std::int64_t left = duration.count();
  if (left <= 0) return "0s";
  std::string text;
  for (const auto& [letter, length] : {std::pair('h', 3600), std::pair('m', 60), std::pair('s', 1)}) {
    if (left >= length) text += std::to_string(left / length) + letter;
    left %= length;
  }
  return text;
}

}  // namespace tributary::v1alpha1
