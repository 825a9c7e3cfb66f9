#pragma once

#include <string>
#include <vector>

namespace tributary::postgres {

// The text form of a one-dimensional array, for a parameter: {"a","b \"c\""}. Pure.
std::string array_literal(const std::vector<std::string>& elements);

}  // namespace tributary::postgres
