#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tributary::postgres {

// The text form of a one-dimensional array, for a parameter: {"a","b \"c\""}. Pure.
std::string array_literal(const std::vector<std::string>& elements);

// The elements of such a text as a server writes it: {a,"b \"c\""}. An Error (Fault::failed) where it is none, or holds
// NULL or an array. Pure.
Result<std::vector<std::string>> parse_array(std::string_view text);

}  // namespace tributary::postgres
