#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/model/name.h"
#include "engine/postgres/verify/row_texts.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/mark.h"

// Statements that would make the target what the source is, row by row; pure. They are for reading and for a person to
// run: what was written since is not in them.
namespace tributary::postgres::verify {

// The parts of a script, in the order in which they are run: a row is in nobody's way who comes later.
enum class RepairPart {
  remark,   // no statement: what is not mended, and why
  respell,  // keys that the target takes for equal and spells in another way (1.0 and 1.00), in place
  remove,
  update,
  insert,
  sequence,  // what no transaction takes back
};

struct RepairStep {
  RepairPart part = RepairPart::remark;
  std::string sql;          // with its semicolon; of a remark one line of text
  std::string table = {};   // of the target, quoted: whose rows it changes
  std::uint64_t mends = 0;  // differences that are gone with it
  bool is_void = false;     // the table is not compared after all, and no difference of it is counted
};

// Takes what would mend the target, in any thread, one at a time.
using TakeRepair = std::function<Result<void>(const RepairStep&)>;

// To a number that was given out.
RepairStep set_sequence(const model::Name& sequence, std::int64_t value);

std::string insert_row(const TablePair& pair, const RowTexts& row);
// Sets what differs, and can be set; "" where nothing is left.
std::string update_row(const TablePair& pair, const tributary::verify::Key& key, const RowTexts& source,
                       const RowTexts& target);
// Sets the key alone, of the row that the target knows by another spelling of it.
std::string respell_key(const TablePair& pair, const tributary::verify::Key& from, const tributary::verify::Key& to);
// Of all rows with this key, as it is written.
std::string delete_row(const TablePair& pair, const tributary::verify::Key& key);
// Of a table without a key: as many rows as there are too many that hold just this.
std::string delete_copies(const TablePair& pair, const RowTexts& row, std::uint64_t copies);

// Whether a row of the target has to make room before its new values can be written: one of those that must be unique
// among its rows, or that the server numbers, changes. `constrained` are the columns of the target's indexes of that
// kind.
bool needs_room(const TablePair& pair, const std::set<std::string>& constrained, const RowTexts& source,
                const RowTexts& target);
// Whether rows of the target hold more than the source could give them: such a row is never written anew.
bool holds_more(const TablePair& pair);
// Whether the target itself sees to it that a key is there once.
bool is_unique_on_target(const TablePair& pair);

}  // namespace tributary::postgres::verify
