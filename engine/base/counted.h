#pragma once

#include <cstdint>
#include <string>

// Amounts as a sentence names them.
namespace tributary {

// "1 table", "3 tables".
std::string counted(std::uint64_t number, const std::string& noun);

// "999 B", "1.2 MB", "34 GB": decimal units, two or three digits.
std::string bytes_text(double bytes);
std::string bytes_text(std::uint64_t bytes);

}  // namespace tributary
