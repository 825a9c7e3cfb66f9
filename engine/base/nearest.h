#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word that the given one is most likely a misspelling of: at most two letters wrong, missing, too many or
// swapped (one in words of up to four letters), or the given word is the beginning of just one known word. "" when
// there is none.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace tributary
