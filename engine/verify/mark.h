#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/verify/both.h"
#include "engine/verify/subset.h"

// The rows of a subset that differs, one by one, as hashes and keys.
namespace tributary::verify {

// Equal rows of equal key.
struct Mark {
  std::int64_t key_hash = 0;
  std::int64_t row_hash = 0;
  std::uint64_t copies = 1;
  Key key;  // of a table that has none: where one of them lies
};

// The marks of one end in the order of their key's hash. Used by one thread.
class MarkStream {
 public:
  virtual ~MarkStream() = default;
  // Nothing at the proven end.
  virtual Result<std::optional<Mark>> next(const Until& until) = 0;
};

// A row that is not on both ends as it is on one.
struct Found {
  api::RowDifference::Kind kind = api::RowDifference::Kind::differs;
  std::uint64_t copies = 1;
  Mark row;  // of the source, or the extra one of the target
};

enum class Identity {
  key,        // a row is its key; what else it holds may differ
  whole_row,  // the table has no key: a row is what it holds, and may be there several times
};

// Reads both ends side by side and tells of each difference; holds no more than the rows of one hash.
Result<void> merge(MarkStream& source, MarkStream& target, Identity identity,
                   const std::function<Result<void>(const Found&)>& found, const Until& until);

}  // namespace tributary::verify
