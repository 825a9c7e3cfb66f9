#include "engine/postgres/verify/repair.h"

#include <algorithm>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/verify/row_hash.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

std::string literal(const std::optional<std::string>& value) {
  return value ? quote_literal(*value) : "NULL";
}

std::string target_of(const TablePair& pair) {
  return quote_name(pair.ends.target.name);
}

void append(std::string& list, const std::string& separator, const std::string& item) {
  list += (list.empty() ? "" : separator) + item;
}

// That the column holds what was read, letter by letter.
std::string holds(const std::string& column, const std::optional<std::string>& value) {
  if (!value) return of_t(column) + " IS NOT DISTINCT FROM NULL";
  return of_t(column) + " IS DISTINCT FROM NULL AND format('%s', " + of_t(column) +
         ") COLLATE \"C\" = " + quote_literal(*value);
}

}  // namespace

RepairStep set_sequence(const model::Name& sequence, std::int64_t value) {
  return {RepairPart::sequence,
          "SELECT setval(" + quote_literal(quote_name(sequence)) + ", " + std::to_string(value) + ");",
          {},
          1};
}

std::string insert_row(const TablePair& pair, const RowTexts& row) {
  std::string columns;
  std::string values;
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    if (pair.columns[each].is_generated) continue;
    append(columns, ", ", quote_identifier(pair.columns[each].name));
    append(values, ", ", literal(row[each].value));
  }
  if (columns.empty()) return "INSERT INTO " + target_of(pair) + " DEFAULT VALUES;";
  return "INSERT INTO " + target_of(pair) + " (" + columns + ") OVERRIDING SYSTEM VALUE VALUES (" + values + ");";
}

std::string update_row(const TablePair& pair, const tributary::verify::Key& key, const RowTexts& source,
                       const RowTexts& target) {
  std::string sets;
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    const ComparedColumn& column = pair.columns[each];
    if (column.is_generated || column.is_identity_always || source[each].hash == target[each].hash) continue;
    append(sets, ", ", quote_identifier(column.name) + " = " + literal(source[each].value));
  }
  if (sets.empty()) return "";
  return "UPDATE " + scanned(pair.ends.target) + " SET " + sets + " WHERE " + condition_of(key, pair) + ";";
}

std::string respell_key(const TablePair& pair, const tributary::verify::Key& from, const tributary::verify::Key& to) {
  std::string sets;
  for (std::size_t each = 0; each < pair.key.size(); ++each)
    if (from[each] != to[each])
      append(sets, ", ", quote_identifier(pair.key[each].name) + " = " + quote_literal(to[each]));
  return "UPDATE " + scanned(pair.ends.target) + " SET " + sets + " WHERE " + condition_of(from, pair) + ";";
}

std::string delete_row(const TablePair& pair, const tributary::verify::Key& key) {
  return "DELETE FROM " + scanned(pair.ends.target) + " WHERE " + condition_of(key, pair) + ";";
}

std::string delete_copies(const TablePair& pair, const RowTexts& row, std::uint64_t copies) {
  std::string all;
  for (std::size_t each = 0; each < pair.columns.size(); ++each)
    append(all, " AND ", holds(pair.columns[each].name, row[each].value));
  return "DELETE FROM " + target_of(pair) + " WHERE (tableoid, ctid) IN (SELECT t.tableoid, t.ctid FROM " +
         scanned(pair.ends.target) + (all.empty() ? "" : " WHERE ") + all + " LIMIT " + std::to_string(copies) + ");";
}

bool needs_room(const TablePair& pair, const std::set<std::string>& constrained, const RowTexts& source,
                const RowTexts& target) {
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    const ComparedColumn& column = pair.columns[each];
    const bool is_bound = column.is_identity_always || constrained.count(column.name) != 0;
    if (is_bound && source[each].hash != target[each].hash) return true;
  }
  return false;
}

bool holds_more(const TablePair& pair) {
  return std::any_of(pair.ends.target.columns.begin(), pair.ends.target.columns.end(), [&](const ColumnTraits& column) {
    return !column.is_generated && std::none_of(pair.columns.begin(), pair.columns.end(),
                                                [&](const auto& compared) { return compared.name == column.name; });
  });
}

bool is_unique_on_target(const TablePair& pair) {
  const auto is_of_key = [&](const std::string& name) {
    return std::any_of(pair.key.begin(), pair.key.end(), [&](const auto& column) { return column.name == name; });
  };
  return std::any_of(pair.ends.target.keys.begin(), pair.ends.target.keys.end(),
                     [&](const auto& columns) { return std::all_of(columns.begin(), columns.end(), is_of_key); });
}

}  // namespace tributary::postgres::verify
