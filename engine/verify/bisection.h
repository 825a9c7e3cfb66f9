#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/verify/both.h"
#include "engine/verify/digest.h"
#include "engine/verify/mark.h"
#include "engine/verify/subset.h"

// Finds the rows of one range that differ, asking the servers for sums of hashes as long as these tell anything.
namespace tributary::verify {

// One table of both ends, read at one moment. Used by one thread.
class TableEnds {
 public:
  virtual ~TableEnds() = default;
  // By the lowest `bits` of the key's hash, of which there are at least as many as subset.bits; with 0 of all rows,
  // which is what an equal range costs.
  virtual Result<Both<Digests>> digests(const Subset& subset, int bits, const Until& until) = 0;
  // Both streams must go before the next call.
  virtual Result<Both<std::unique_ptr<MarkStream>>> marks(const Subset& subset, const Until& until) = 0;
};

struct BisectionLimits {
  int step = 5;                      // bits that each pass adds: it divides 32-fold
  std::uint64_t few_rows = 20'000;   // that are looked at one by one
  std::size_t most_endings = 4'096;  // that a statement names
};

// Counted over the whole range.
struct RangeCounts {
  Both<std::uint64_t> rows{0, 0};
  bool is_equal = true;
};

// `found` is called for each difference, while the ends are being read.
Result<RangeCounts> compare_range(TableEnds& ends, const KeyRange& range, Identity identity,
                                  const std::function<Result<void>(const Found&)>& found, const Until& until,
                                  const BisectionLimits& limits = {});

}  // namespace tributary::verify
