#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/model/change.h"
#include "engine/postgres/apply/row_statement.h"
#include "engine/postgres/apply/table_plan.h"

namespace tributary::postgres::apply {

struct Table;

// What a statement that was sent is about, for when it fails; the tag of all statements of this room.
struct Subject {
  Table* table = nullptr;  // nothing: of none, but of the transaction
  const char* what = "";   // "an update"
};

struct Prepared {
  std::string name;
  std::vector<RowStatement::Source> sources;  // of a single change
  std::vector<std::size_t> columns;           // of a set
  Subject subject;
};

// A table as one description of the log has it, and what was prepared for it in this session.
struct Table {
  model::LogTable log;
  model::Name name;  // in the ledger: the source may have given it another since, or have had another then
  bool is_followed = false;
  model::Lsn position;               // of its rows
  std::optional<model::Name> route;  // the table of the target that its rows lie in, where it is not its namesake
  std::optional<TablePlan> plan;     // made at the first change that is not passed over
  std::uint64_t written_in = 0;      // the last transaction of the target that it has changes in
  // By RowForm::key(), or a word for a set.
  std::unordered_map<std::string, Prepared> statements;
};

}  // namespace tributary::postgres::apply
