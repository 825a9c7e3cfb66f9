#include "engine/serve/field.h"

#include <algorithm>

namespace tributary::serve {

Field take_field(std::string_view& lines) {
  const std::string_view line = lines.substr(0, lines.find(line_end));
  lines.remove_prefix(std::min(lines.size(), line.size() + line_end.size()));
  const auto colon = line.find(':');
  if (colon == line.npos) return {};
  return {line.substr(0, colon), trimmed(line.substr(colon + 1))};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), same);
}

}  // namespace tributary::serve
