#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Which rows of a table are compared. Plain values.
namespace tributary::verify {

// The values of a key's columns, as the source spells them.
using Key = std::vector<std::string>;

// The rows from one key to before another, by the key's leading columns; an empty one is no bound. Ranges are cut only
// where both ends order keys alike.
struct KeyRange {
  Key from = {};
  Key before = {};
  bool operator==(const KeyRange&) const = default;
};

// Of a range the rows whose key's hash ends in one of some bit strings.
struct Subset {
  KeyRange range;
  int bits = 0;  // of the hash that `endings` speaks of, from the lowest; 0: every row
  std::vector<std::uint64_t> endings = {};
};

}  // namespace tributary::verify
