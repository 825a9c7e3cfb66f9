#include "engine/base/nearest.h"

#include <algorithm>
#include <numeric>

namespace tributary {
namespace {

constexpr std::size_t longest_word = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  std::vector<std::size_t> above = row;
  std::vector<std::size_t> second_above = row;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    second_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], second_above[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > longest_word) return "";
  std::string best;
  std::size_t best_distance = (word.size() <= 4 ? 1 : 2) + 1;
  for (const std::string& candidate : known) {
    const std::size_t found = edit_distance(word, candidate);
    if (found < best_distance) {
      best_distance = found;
      best = candidate;
    }
  }
  if (!best.empty()) return best;
  const auto begins = [&](const std::string& candidate) { return candidate.starts_with(word); };
  if (std::count_if(known.begin(), known.end(), begins) != 1) return "";
  return *std::find_if(known.begin(), known.end(), begins);
}

}  // namespace tributary
