#include "engine/cli/painter.h"

#include <algorithm>

#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

constexpr const char* clear_to_line_end = "\x1b[K";
constexpr const char* clear_below = "\x1b[J";

}  // namespace

std::string Painter::to_top(std::size_t width) const {
  const std::size_t columns = std::max<std::size_t>(1, width);
  std::size_t rows = 0;
  for (const std::string& line : painted_)
    rows += std::max<std::size_t>(1, (display_width(line) + columns - 1) / columns);
  return rows == 0 ? "" : "\x1b[" + std::to_string(rows) + "A\r";
}

std::string Painter::paint(const std::vector<std::string>& lines, std::size_t width) {
  std::string bytes = to_top(width);
  for (const std::string& line : lines) bytes += line + clear_to_line_end + "\n";
  painted_ = lines;
  return bytes + clear_below;
}

std::string Painter::erase(std::size_t width) {
  std::string bytes = painted_.empty() ? "" : to_top(width) + clear_below;
  painted_.clear();
  return bytes;
}

}  // namespace tributary::cli
