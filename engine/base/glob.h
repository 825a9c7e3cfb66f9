#pragma once

#include <string_view>

namespace tributary {

// Whether `pattern`, in which "*" is any run of characters and everything else itself, takes all of `text`. Backtracks
// to the last star only: quadratic at worst.
bool glob(std::string_view pattern, std::string_view text);

}  // namespace tributary
