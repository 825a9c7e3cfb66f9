#pragma once

#include <string>
#include <vector>

#include "engine/postgres/apply/table_plan.h"

// Statements for many rows at once, pure. Parameters are arrays of text, one per column of `columns`, equally long.
namespace tributary::postgres::apply {

struct SetStatement {
  std::string sql;
  std::vector<std::size_t> columns;  // of the parameters
};

// By key.
SetStatement delete_set(const TablePlan& plan);
// The parameters are the key's columns and then those that `is_told` names. Where none of those is written, the rows
// are only looked for.
SetStatement update_set(const TablePlan& plan, const std::vector<bool>& is_told);
SetStatement insert_set(const TablePlan& plan);

}  // namespace tributary::postgres::apply
