#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/postgres/verify/table_reader.h"
#include "engine/verify/mark.h"

// Rows that differed while the target may have been ahead of the source's snapshot. Each is looked at again, in later
// moments: equal in any of them is equal. A row that the source has not written between two moments had reached the
// target at the first as it is, for that was read between them: what was not equal then differs. One that the target
// has not written between two moments and the source does not have at the second is too many: it would have gone.
namespace tributary::postgres::verify {

// What one row is on one end, and which version of it by that server's word; "" where it is not there.
struct RowState {
  std::string hash = {};
  std::string version = {};
  bool operator==(const RowState&) const = default;
};

struct Doubt {
  tributary::verify::Found found;
  std::optional<tributary::verify::Both<RowState>> seen = {};  // in the moment before
};

enum class Answer { equal, different, unknown };

// Pure. `exact`: both ends are at one position. Rows that have no key have no version that would tell anything.
Answer judge(const Doubt& doubt, const tributary::verify::Both<RowState>& now, bool exact);
// What a difference is by what is there now. Pure.
tributary::verify::Found found_now(const Doubt& doubt, const tributary::verify::Both<RowState>& now, bool has_key);

// By the rows' keys, or the hashes of rows of a table that has none. In two sessions at one moment.
using RowStates = std::map<tributary::verify::Key, tributary::verify::Both<RowState>>;
Result<RowStates> read_states(Sessions& sessions, const TablePair& pair, const Dialect& dialect,
                              const std::vector<Doubt>& doubts, const Until& until);
tributary::verify::Key state_key(const tributary::verify::Found& found, const TablePair& pair);

}  // namespace tributary::postgres::verify
