#include "engine/postgres/verify/row_texts.h"

#include <utility>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/verify/row_hash.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Key;

constexpr const char* longest_shown = "200";

// Written by the type's output function: a cast to text may be somebody's own.
std::string value_of(const std::string& column, Values values) {
  const std::string text = "format('%s', " + of_t(column) + ")";
  return "CASE WHEN " + of_t(column) + " IS NOT DISTINCT FROM NULL THEN NULL ELSE " +
         (values == Values::cut ? "left(" + text + ", " + longest_shown + ")" : text) + " END";
}

std::string selected(const TablePair& pair, const Dialect& dialect, Values values) {
  std::string select = pair.key.empty() ? "t.tableoid::regclass::text, t.ctid::text" : "";
  for (const ComparedColumn& column : pair.key) select += (select.empty() ? "" : ", ") + of_t(column.name);
  for (const ComparedColumn& column : pair.columns) {
    select += ", " + column_hash(column.name, dialect);
    if (values != Values::none) select += ", " + value_of(column.name, values);
  }
  return select;
}

// Whose key begins in `column`.
KeyedRow row_in(const Rows& rows, int row, int column, const TablePair& pair, Values values) {
  const int end_of_key = column + (pair.key.empty() ? 2 : static_cast<int>(pair.key.size()));
  KeyedRow found;
  while (column < end_of_key) found.key.push_back(rows.str(row, column++));
  while (column < rows.columns()) {
    CellTexts cell{rows.str(row, column++), {}};
    if (values != Values::none) cell.value = rows.maybe(row, column++);
    found.texts.push_back(std::move(cell));
  }
  return found;
}

}  // namespace

Result<std::map<Key, RowTexts>> read_rows(Connection& connection, const TablePair& pair, const TableTraits& end,
                                          const Dialect& dialect, const std::vector<Key>& keys, Values values,
                                          const Until& until) {
  std::map<Key, RowTexts> found;
  if (keys.empty()) return found;
  const Rows rows = TRY(connection.query(
      "SELECT " + selected(pair, dialect, values) + " FROM " + scanned(end) + " WHERE " + condition_of(keys, pair),
      until));
  for (int row = 0; row < rows.size(); ++row) {
    KeyedRow read = row_in(rows, row, 0, pair, values);
    found.emplace(std::move(read.key), std::move(read.texts));
  }
  return found;
}

Result<std::vector<std::optional<KeyedRow>>> read_equal(Connection& target, const TablePair& pair,
                                                        const Dialect& dialect, const std::vector<Key>& keys,
                                                        const Until& until) {
  std::vector<std::optional<KeyedRow>> found(keys.size());
  if (keys.empty()) return found;
  std::string cases;
  std::string condition;
  for (std::size_t each = 0; each < keys.size(); ++each) {
    const std::string is_equal = "(" + equality_of(keys[each], pair) + ")";
    cases += (each == 0 ? "CASE WHEN " : ", CASE WHEN ") + is_equal + " THEN " + std::to_string(each) + " END";
    condition += (each == 0 ? "" : " OR ") + is_equal;
  }
  const Rows rows =
      TRY(target.query("SELECT array_remove(ARRAY[" + cases + "], NULL), " + selected(pair, dialect, Values::whole) +
                           " FROM " + scanned(pair.ends.target) + " WHERE " + condition,
                       until));
  for (int row = 0; row < rows.size(); ++row) {
    for (const std::string& each : TRY(parse_array(rows.text(row, 0)))) {
      std::optional<KeyedRow>& place = found[std::stoul(each)];
      if (!place) place = row_in(rows, row, 1, pair, Values::whole);
    }
  }
  return found;
}

}  // namespace tributary::postgres::verify
