#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/postgres/apply/table_plan.h"

// The statement of a single change, pure. It touches exactly one row, or the row is not what the log says.
//
// Values of identity columns GENERATED ALWAYS are inserted with OVERRIDING SYSTEM VALUE, for which UPDATE knows no word
// (rewriteTargetListIU in src/backend/rewrite/rewriteHandler.c): a row whose identity value changes, or may have, is
// deleted and inserted in one statement, with what the log leaves out taken from the deleted row.
namespace tributary::postgres::apply {

// What two changes of a table have in common that one prepared statement can carry both.
class RowForm {
 public:
  enum class Kind : char { insert = 'i', update = 'u', replace = 'r', look = 'l', remove = 'd' };
  struct Column {
    bool is_written = false;  // from the new row
    bool is_matched = false;  // by value
    bool is_matched_null = false;
  };

  // An Error (Fault::differs) says what the change does not tell.
  Result<void> take(const TablePlan& plan, const model::Event& event);

  Kind kind() const { return static_cast<Kind>(key_[0]); }
  bool matches_old_row() const { return key_[1] == 'o'; }
  Column column(std::size_t at) const;
  // Equal for equal forms of one plan.
  const std::string& key() const { return key_; }

 private:
  Result<void> take_match(const TablePlan& plan, const model::Event& event);
  void take_values(const TablePlan& plan, const model::Event& event);

  std::string key_;
};

struct RowStatement {
  struct Source {
    bool is_old = false;
    std::size_t column = 0;
  };
  std::string sql;
  std::vector<std::uint32_t> types;  // of the parameters
  std::vector<Source> sources;       // of the parameters, in the event's rows
};

RowStatement row_statement(const TablePlan& plan, const RowForm& form);

// TRUNCATE of the tables, never of others that refer to them: those that the source emptied with them are in the list.
std::string truncate_sql(const std::vector<const TablePlan*>& tables, bool restart_identity);
// For a table that TRUNCATE refuses since others refer to it.
std::string empty_sql(const TablePlan& table);

}  // namespace tributary::postgres::apply
