#include "engine/postgres/verify/row_texts.h"

#include <utility>

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

std::string statement(const TablePair& pair, const TableTraits& end, const Dialect& dialect,
                      const std::vector<Key>& keys, Values values) {
  std::string select = pair.key.empty() ? "t.tableoid::regclass::text, t.ctid::text" : "";
  for (const ComparedColumn& column : pair.key) select += (select.empty() ? "" : ", ") + of_t(column.name);
  for (const ComparedColumn& column : pair.columns) {
    select += ", " + column_hash(column.name, dialect);
    if (values != Values::none) select += ", " + value_of(column.name, values);
  }
  return "SELECT " + select + " FROM " + scanned(end) + " WHERE " + condition_of(keys, pair);
}

}  // namespace

Result<std::map<Key, RowTexts>> read_rows(Connection& connection, const TablePair& pair, const TableTraits& end,
                                          const Dialect& dialect, const std::vector<Key>& keys, Values values,
                                          const Until& until) {
  std::map<Key, RowTexts> found;
  if (keys.empty()) return found;
  const Rows rows = TRY(connection.query(statement(pair, end, dialect, keys, values), until));
  const int key_columns = pair.key.empty() ? 2 : static_cast<int>(pair.key.size());
  for (int row = 0; row < rows.size(); ++row) {
    Key key;
    int column = 0;
    while (column < key_columns) key.push_back(rows.str(row, column++));
    RowTexts texts;
    while (column < rows.columns()) {
      CellTexts cell{rows.str(row, column++), {}};
      if (values != Values::none) cell.value = rows.maybe(row, column++);
      texts.push_back(std::move(cell));
    }
    found.emplace(std::move(key), std::move(texts));
  }
  return found;
}

}  // namespace tributary::postgres::verify
