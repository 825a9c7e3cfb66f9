#include "engine/verify/bisection.h"

#include <utility>

namespace tributary::verify {
namespace {

constexpr int hash_bits = 60;  // further passes would divide nothing

// Another pass is worth its cost while most of what was divided is equal.
bool is_worth_dividing(const Subset& subset, std::uint64_t rows, std::size_t endings_before,
                       const BisectionLimits& limits) {
  if (rows <= limits.few_rows || subset.bits + limits.step > hash_bits) return false;
  if (subset.bits == 0) return true;  // nothing has been divided yet
  const std::size_t divided = endings_before << limits.step;
  return subset.endings.size() <= limits.most_endings && subset.endings.size() * 4 <= divided;
}

}  // namespace

Result<RangeCounts> compare_range(TableEnds& ends, const KeyRange& range, Identity identity,
                                  const std::function<Result<void>(const Found&)>& found, const Until& until,
                                  const BisectionLimits& limits) {
  Subset subset{range};
  Both<Digests> digests = TRY(ends.digests(subset, 0, until));
  RangeCounts counts{{rows_of(digests.source), rows_of(digests.target)}};
  std::size_t endings_before = 1;
  subset.endings = differing(digests);
  counts.is_equal = subset.endings.empty();
  while (!subset.endings.empty() &&
         is_worth_dividing(subset, most_rows(digests, subset.endings), endings_before, limits)) {
    endings_before = subset.endings.size();
    digests = TRY(ends.digests(subset, subset.bits + limits.step, until));
    subset.bits += limits.step;
    subset.endings = differing(digests);
  }
  if (counts.is_equal) return counts;
  if (subset.endings.empty()) return Error{Fault::failed, "sums that differed are equal when they are divided"};
  if (subset.endings.size() > limits.most_endings) subset = {range};
  const Both<std::unique_ptr<MarkStream>> marks = TRY(ends.marks(subset, until));
  TRY(merge(*marks.source, *marks.target, identity, found, until));
  return counts;
}

}  // namespace tributary::verify
