#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text of others in a place of limited size: a condition, an Event, a line of a log. A cut tears no UTF-8 letter.
namespace tributary {

// At most `most` bytes from the beginning; where something was cut off, they end with `mark`, shorter than `most`.
std::string first_bytes(std::string_view text, std::size_t most, std::string_view mark = "");

// One line: without blanks and control characters at its end, the other control characters as blanks.
std::string one_line(std::string_view text);

}  // namespace tributary
