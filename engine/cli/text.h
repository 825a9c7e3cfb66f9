#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Text for a terminal. Names and messages come from servers, so nothing reaches the screen unfiltered.
namespace tributary::cli {

// Valid UTF-8 without control characters: what is neither becomes '?', line breaks become blanks.
std::string printable(std::string_view text);

// Columns that printable text takes: 0 for combining characters, 2 for wide ones.
std::size_t display_width(std::string_view text);

// Exactly `width` columns: padded with blanks, or cut with "..." at the end.
std::string fit(std::string_view text, std::size_t width);

// At most `width` columns.
std::string cut(std::string_view text, std::size_t width);

// Lines of at most `width` columns, broken at blanks, and inside a word only where one is longer than a line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

std::string count_text(std::uint64_t number);  // "1,234,567"

}  // namespace tributary::cli
