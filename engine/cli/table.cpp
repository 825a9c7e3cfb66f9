#include "engine/cli/table.h"

#include <algorithm>

#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_last_column = 24;
constexpr const char* colour_end = "\x1b[0m";

std::string without_end_blanks(std::string line) {
  line.resize(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

Table::Table(std::vector<std::string> header) {
  add(std::move(header));
}

void Table::add(std::vector<std::string> cells, std::string colour) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back({std::move(cells), std::move(colour)});
}

std::string Table::text(std::size_t width) const {
  const std::size_t last = rows_[0].cells.size() - 1;
  std::vector<std::size_t> widths(last, 0);
  std::size_t indent = 0;
  for (std::size_t i = 0; i < last; ++i) {
    for (const Row& row : rows_) widths[i] = std::max(widths[i], display_width(row.cells[i]));
    indent += widths[i] + gap;
  }
  const std::size_t room =
      width == 0 ? std::string::npos : std::max(narrowest_last_column, width - std::min(width, indent));
  std::string all;
  for (const Row& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < last; ++i) line += fit(row.cells[i], widths[i]) + std::string(gap, ' ');
    const std::vector<std::string> lines = wrap(row.cells[last], room);
    line = without_end_blanks(line + lines[0]);
    if (!row.colour.empty()) line = row.colour + line.insert(row.cells[0].size(), colour_end);
    all += line + "\n";
    for (std::size_t i = 1; i < lines.size(); ++i) all += std::string(indent, ' ') + lines[i] + "\n";
  }
  return all;
}

}  // namespace tributary::cli
