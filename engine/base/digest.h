#pragma once

#include <string>
#include <string_view>

namespace tributary {

// 64 bits of FNV-1a as 16 hexadecimal digits: for names and for telling texts apart, never for secrets.
std::string digest(std::string_view text);

}  // namespace tributary
