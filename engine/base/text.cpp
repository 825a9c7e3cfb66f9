#include "engine/base/text.h"

#include <algorithm>

namespace tributary {
namespace {

bool starts_a_letter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

constexpr std::size_t most_continuations = 3;  // of a UTF-8 letter; more are none

}  // namespace

std::string first_bytes(std::string_view text, std::size_t most, std::string_view mark) {
  if (text.size() <= most) return std::string(text);
  const std::size_t room = most - mark.size();
  for (std::size_t back = 0; back <= std::min(room, most_continuations); ++back) {
    if (starts_a_letter(text[room - back])) return std::string(text.substr(0, room - back)).append(mark);
  }
  return std::string(text.substr(0, room)).append(mark);
}

std::string one_line(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string line(text);
  std::replace_if(line.begin(), line.end(), is_blank, ' ');
  return line;
}

}  // namespace tributary
