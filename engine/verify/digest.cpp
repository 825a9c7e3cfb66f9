#include "engine/verify/digest.h"

#include <algorithm>

namespace tributary::verify {
namespace {

const Digest& at(const Digests& digests, std::uint64_t ending) {
  static const Digest none;
  const auto found = digests.find(ending);
  return found == digests.end() ? none : found->second;
}

std::uint64_t rows_at(const Digests& digests, const std::vector<std::uint64_t>& endings) {
  std::uint64_t rows = 0;
  for (const std::uint64_t ending : endings) rows += at(digests, ending).rows;
  return rows;
}

}  // namespace

std::vector<std::uint64_t> differing(const Both<Digests>& digests) {
  std::vector<std::uint64_t> endings;
  for (const auto& [ending, digest] : digests.source)
    if (at(digests.target, ending) != digest) endings.push_back(ending);
  for (const auto& [ending, digest] : digests.target)
    if (digests.source.count(ending) == 0) endings.push_back(ending);
  std::sort(endings.begin(), endings.end());
  return endings;
}

std::uint64_t rows_of(const Digests& digests) {
  std::uint64_t rows = 0;
  for (const auto& [ending, digest] : digests) rows += digest.rows;
  return rows;
}

std::uint64_t most_rows(const Both<Digests>& digests, const std::vector<std::uint64_t>& endings) {
  return std::max(rows_at(digests.source, endings), rows_at(digests.target, endings));
}

}  // namespace tributary::verify
