#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/verify/both.h"

// What is compared before any row is looked at: rows of a subset counted and their 64-bit hashes summed up, which does
// not depend on the order they come in. A sum and no xor, which two equal rows would cancel out of. A row's hash must
// not be a sum over its columns, or two rows that have swapped a value would add up to the same; see
// postgres/verify/row_hash.h.
namespace tributary::verify {

struct Digest {
  std::uint64_t rows = 0;
  std::string sum = {};  // exact, in decimal: that of many 64-bit numbers does not fit one
  bool operator==(const Digest&) const = default;
};

// By the ending of the key's hash. An ending without rows has none.
using Digests = std::map<std::uint64_t, Digest>;

// The endings whose digests are not the same, in order.
std::vector<std::uint64_t> differing(const Both<Digests>& digests);

std::uint64_t rows_of(const Digests& digests);
// Of these endings alone, on the end that has more of them.
std::uint64_t most_rows(const Both<Digests>& digests, const std::vector<std::uint64_t>& endings);

}  // namespace tributary::verify
