#include "engine/postgres/verify/repair.h"

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

}  // namespace

const char* const repair_settings =
    "SET search_path = pg_catalog; SET row_security = off; SET standard_conforming_strings = on; SET DateStyle = ISO; "
    "SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = hex; "
    "SET lc_monetary = 'C'; SET client_encoding = UTF8; SET array_nulls = on; SET xmloption = content;";

std::string set_sequence(const model::Name& sequence, std::int64_t value) {
  return "SELECT setval(" + quote_literal(quote_name(sequence)) + ", " + std::to_string(value) + ");";
}

std::string delete_equal(const TablePair& pair, const tributary::verify::Key& key) {
  if (is_exact(pair)) return "";
  return "DELETE FROM " + scanned(pair.ends.target) + " WHERE " + equality_of(key, pair) + ";";
}

std::string insert_row(const TablePair& pair, const RowTexts& row) {
  std::string columns;
  std::string values;
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    if (pair.columns[each].is_generated) continue;
    columns += (columns.empty() ? "" : ", ") + quote_identifier(pair.columns[each].name);
    values += (values.empty() ? "" : ", ") + literal(row[each].value);
  }
  if (columns.empty()) return "INSERT INTO " + target_of(pair) + " DEFAULT VALUES;";
  return "INSERT INTO " + target_of(pair) + " (" + columns + ") OVERRIDING SYSTEM VALUE VALUES (" + values + ");";
}

std::string update_row(const TablePair& pair, const tributary::verify::Key& key, const RowTexts& source,
                       const RowTexts& target) {
  std::string sets;
  for (std::size_t each = 0; each < pair.columns.size(); ++each) {
    const bool differs = source[each].hash != target[each].hash;
    if (pair.columns[each].is_identity_always && differs)
      return delete_row(pair, key) + "\n" + insert_row(pair, source);
    if (pair.columns[each].is_generated || !differs) continue;
    sets +=
        (sets.empty() ? "" : ", ") + quote_identifier(pair.columns[each].name) + " = " + literal(source[each].value);
  }
  if (sets.empty()) return "";
  return "UPDATE " + scanned(pair.ends.target) + " SET " + sets + " WHERE " + condition_of(key, pair) + ";";
}

std::string delete_row(const TablePair& pair, const tributary::verify::Key& key) {
  return "DELETE FROM " + scanned(pair.ends.target) + " WHERE " + condition_of(key, pair) + ";";
}

std::string delete_copies(const TablePair& pair, const Dialect& dialect, const tributary::verify::Found& found) {
  return "DELETE FROM " + target_of(pair) + " WHERE (tableoid, ctid) IN (SELECT t.tableoid, t.ctid FROM " +
         scanned(pair.ends.target) + " WHERE " + row_hash(pair, dialect).key + " = " +
         std::to_string(found.row.key_hash) + " LIMIT " + std::to_string(found.copies) + ");";
}

}  // namespace tributary::postgres::verify
