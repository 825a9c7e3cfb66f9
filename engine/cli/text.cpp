#include "engine/cli/text.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>

namespace tributary::cli {
namespace {

struct Letter {
  char32_t code;     // '?' for what is no valid UTF-8
  std::size_t size;  // bytes taken, at least 1
};

// The letter at the beginning of non-empty text (Unicode, table 3-7: well-formed UTF-8).
Letter first_letter(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {U'?', 1};
  char32_t code = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {U'?', 1};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {U'?', 1};
  return {code, size};
}

// What moves the cursor or turns the writing direction.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x200E && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

// glibc's table of widths, whatever the user's locale is.
std::size_t width_of(char32_t code) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (code < 0x80 || unicode == nullptr) return 1;
  const locale_t before = uselocale(unicode);
  const int width = wcwidth(static_cast<wchar_t>(code));
  uselocale(before);
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

// Bytes of the longest beginning that takes at most `width` columns.
std::size_t prefix(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  std::size_t columns = 0;
  while (bytes < text.size()) {
    const Letter letter = first_letter(text.substr(bytes));
    columns += width_of(letter.code);
    if (columns > width) break;
    bytes += letter.size;
  }
  return bytes;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    if (letter.code == U'\n' || letter.code == U'\t' || letter.code == U'\r') {
      clean += ' ';
    } else if (is_control(letter.code) || (letter.code == U'?' && text[0] != '?')) {
      clean += '?';
    } else {
      clean += text.substr(0, letter.size);
    }
    text.remove_prefix(letter.size);
  }
  return clean;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    columns += width_of(letter.code);
    text.remove_prefix(letter.size);
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width <= 3) return std::string(text.substr(0, prefix(text, width)));
  return std::string(text.substr(0, prefix(text, width - 3))) + "...";
}

std::string fit(std::string_view text, std::size_t width) {
  std::string fitted = cut(text, width);
  fitted.append(width - std::min(width, display_width(fitted)), ' ');
  return fitted;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  width = std::max<std::size_t>(width, 2);
  while (display_width(text) > width) {
    std::size_t end = prefix(text, width);
    const auto blank = text.substr(0, end + 1).rfind(' ');
    if (blank != text.npos && blank > 0) end = blank;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', end)));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string count_text(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

}  // namespace tributary::cli
