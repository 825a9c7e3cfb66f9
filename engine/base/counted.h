#pragma once

#include <cstdint>
#include <string>

namespace tributary {

// "1 table", "3 tables".
inline std::string counted(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace tributary
