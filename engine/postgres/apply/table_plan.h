#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/postgres/apply/net.h"
#include "engine/postgres/apply/target_table.h"

// How the changes of one table, as the log describes it, reach the table of the target. Pure.
namespace tributary::postgres::apply {

// How two values of a column are told apart, beside NULL.
enum class Likeness : std::uint8_t {
  by_text,      // the type knows no equality for every value: only the text form tells
  by_both,      // what the type calls equal may differ in text (1.0 and 1.00): equality finds, the text form decides
  by_equality,  // values are equal exactly where their texts are
};

struct PlannedColumn {
  std::string name;        // quoted
  std::uint32_t type = 0;  // the target's
  std::string spelling;    // of the type
  std::string equality;
  Likeness likeness = Likeness::by_text;
  bool identifies = false;
  bool is_written = true;  // else the target computes it
  bool is_identity_always = false;
};

struct TablePlan {
  model::Name name;
  std::string target;  // quoted, for FROM, UPDATE and DELETE: with ONLY where rows of children are not this table's
  std::string into;    // quoted, for INSERT
  bool is_partitioned = false;
  model::LogTable::Identity identity = model::LogTable::Identity::none;
  std::vector<PlannedColumn> columns;  // one per column of the log
  std::vector<std::string> others;  // quoted: columns of the target that the log does not have and it does not compute
  // The net change of rows says as much as each change, and may be written by sets: keys that differ as texts differ as
  // values, no other constraint minds the order, nothing fires, and texts may be cast.
  bool may_coalesce = false;
};

// Whose rows the target's table holds: those of the log's table alone, or of several, which the target divides among
// partitions as it likes.
enum class Holding { own, shared };

// An Error (Fault::differs) says which column the target lacks, or that a shared table cannot tell the log's rows from
// others.
Result<TablePlan> plan_table(const model::LogTable& log, const TargetTable& target, Holding holding = Holding::own);

// Which columns tell rows apart, for the net change of rows.
NetShape net_shape(const TablePlan& plan);

bool is_same(const model::LogTable& one, const model::LogTable& other);

}  // namespace tributary::postgres::apply
