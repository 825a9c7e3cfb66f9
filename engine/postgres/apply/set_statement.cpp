#include "engine/postgres/apply/set_statement.h"

namespace tributary::postgres::apply {
namespace {

std::string alias(std::size_t column) {
  return "c" + std::to_string(column);
}

// "unnest($1::text[], ...) AS g (c0, ...)". Of several arrays the server takes it under no other name.
std::string given(const std::vector<std::size_t>& columns) {
  std::string arrays, names;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    arrays += (at == 0 ? "$" : ", $") + std::to_string(at + 1) + "::pg_catalog.text[]";
    names += (at == 0 ? "" : ", ") + alias(columns[at]);
  }
  return "unnest(" + arrays + ") AS g (" + names + ")";
}

std::string value(const TablePlan& plan, std::size_t column) {
  return "g." + alias(column) + "::" + plan.columns[column].spelling;
}

std::vector<std::size_t> key_of(const TablePlan& plan) {
  std::vector<std::size_t> key;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    if (plan.columns[at].identifies) key.push_back(at);
  }
  return key;
}

std::string by_key(const TablePlan& plan) {
  std::string conditions;
  for (const std::size_t at : key_of(plan)) {
    const PlannedColumn& column = plan.columns[at];
    conditions +=
        (conditions.empty() ? " WHERE t." : " AND t.") + column.name + " " + column.equality + " " + value(plan, at);
  }
  return conditions;
}

}  // namespace

SetStatement delete_set(const TablePlan& plan) {
  SetStatement statement;
  statement.columns = key_of(plan);
  statement.sql = "DELETE FROM " + plan.target + " AS t USING " + given(statement.columns) + by_key(plan);
  return statement;
}

SetStatement update_set(const TablePlan& plan, const std::vector<bool>& is_told) {
  SetStatement statement;
  statement.columns = key_of(plan);
  std::string sets;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    const PlannedColumn& column = plan.columns[at];
    if (column.identifies || !column.is_written || !is_told[at]) continue;
    statement.columns.push_back(at);
    sets += (sets.empty() ? "" : ", ") + column.name + " = " + value(plan, at);
  }
  const std::string rows = given(statement.columns) + by_key(plan);
  statement.sql = sets.empty() ? "SELECT FROM " + plan.target + " AS t, " + rows
                               : "UPDATE " + plan.target + " AS t SET " + sets + " FROM " + rows;
  return statement;
}

SetStatement insert_set(const TablePlan& plan) {
  SetStatement statement;
  std::string names, values;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    if (!plan.columns[at].is_written) continue;
    statement.columns.push_back(at);
    names += (names.empty() ? "" : ", ") + plan.columns[at].name;
    values += (values.empty() ? "" : ", ") + value(plan, at);
  }
  statement.sql = "INSERT INTO " + plan.into + " (" + names + ") OVERRIDING SYSTEM VALUE SELECT " + values + " FROM " +
                  given(statement.columns);
  return statement;
}

}  // namespace tributary::postgres::apply
