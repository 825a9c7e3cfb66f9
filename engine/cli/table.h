#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tributary::cli {

// Columns separated by two blanks, each as wide as its widest cell; cells are made printable here. The last column
// is wrapped when a line would be longer than `width`; 0 means no limit.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  // One cell a column. `colour` is an escape sequence for the first cell, or "".
  void add(std::vector<std::string> cells, std::string colour = "");
  bool empty() const { return rows_.size() < 2; }
  std::string text(std::size_t width) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::string colour;
  };
  std::vector<Row> rows_;  // the header first
};

}  // namespace tributary::cli
