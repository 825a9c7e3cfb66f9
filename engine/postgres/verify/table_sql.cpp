#include "engine/postgres/verify/table_sql.h"

#include <algorithm>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/verify/key_ranges.h"
#include "engine/postgres/verify/row_hash.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Key;
using tributary::verify::Subset;

std::string low_bits(const std::string& hash, int bits) {
  return "(" + hash + " & " + std::to_string((1ULL << bits) - 1) + ")";
}

std::string equals(const ComparedColumn& column, const std::string& literal) {
  return of_t(column.name) + " = " + literal;
}

std::string is_written(const ComparedColumn& column, const std::string& literal) {
  if (column.is_exact) return equals(column, literal);
  const std::string text = "format('%s', " + of_t(column.name) + ") COLLATE \"C\" = " + literal;
  return column.has_operator ? equals(column, literal) + " AND " + text : text;
}

// INTERSECT takes the type's own equality, wherever its operators lie.
std::string is_equal(const ComparedColumn& column, const std::string& literal) {
  if (column.has_operator) return equals(column, literal);
  return "EXISTS (SELECT " + of_t(column.name) + " INTERSECT SELECT " + literal + "::" + column.declared + ")";
}

// With WHERE, or "".
std::string condition_of(const Subset& subset, const TablePair& pair, const std::string& key_hash) {
  std::string condition = condition_of(subset.range, pair);
  if (subset.bits > 0) {
    std::string endings;
    for (const std::uint64_t ending : subset.endings) endings += (endings.empty() ? "" : ",") + std::to_string(ending);
    condition +=
        (condition.empty() ? "" : " AND ") + low_bits(key_hash, subset.bits) + " = ANY ('{" + endings + "}'::bigint[])";
  }
  return condition.empty() ? "" : " WHERE " + condition;
}

}  // namespace

std::string scanned(const TableTraits& table) {
  return (table.is_partitioned ? "" : "ONLY ") + quote_name(table.name) + " AS t";
}

std::string digest_sql(const TablePair& pair, const TableTraits& end, const Dialect& dialect, const Subset& subset,
                       int bits) {
  const RowHash hash = row_hash(pair, dialect);
  const std::string ending = bits == 0 ? "0" : low_bits(hash.key, bits);
  return "SELECT " + ending + ", count(*), sum(" + hash.row + ") FROM " + scanned(end) +
         condition_of(subset, pair, hash.key) + (bits == 0 ? " HAVING count(*) > 0" : " GROUP BY 1");
}

std::string marks_sql(const TablePair& pair, const TableTraits& end, const Dialect& dialect, const Subset& subset) {
  const RowHash hash = row_hash(pair, dialect);
  std::string select = "SELECT " + hash.key + ", " + hash.row + ", count(*)";
  std::string group = " GROUP BY 1, 2";
  if (pair.key.empty()) {
    select += ", t.tableoid::regclass::text, min(t.ctid::text)";
    group += ", t.tableoid";
  }
  for (std::size_t each = 0; each < pair.key.size(); ++each) {
    select += ", " + of_t(pair.key[each].name);
    group += ", " + std::to_string(each + 4);
  }
  return "COPY (" + select + " FROM " + scanned(end) + condition_of(subset, pair, hash.key) + group +
         " ORDER BY 1) TO STDOUT";
}

std::string condition_of(const Key& key, const TablePair& pair) {
  if (pair.key.empty())
    return "t.tableoid = " + quote_literal(key[0]) + "::regclass AND t.ctid = " + quote_literal(key[1]);
  std::string condition;
  for (std::size_t each = 0; each < key.size(); ++each)
    condition += (condition.empty() ? "" : " AND ") + is_written(pair.key[each], quote_literal(key[each]));
  return condition;
}

std::string condition_of(const std::vector<Key>& keys, const TablePair& pair) {
  std::string condition;
  for (const Key& key : keys) condition += (condition.empty() ? "(" : " OR (") + condition_of(key, pair) + ")";
  return condition;
}

std::string equality_of(const Key& key, const TablePair& pair) {
  std::string condition;
  for (std::size_t each = 0; each < key.size(); ++each)
    condition += (condition.empty() ? "" : " AND ") + is_equal(pair.key[each], quote_literal(key[each]));
  return condition;
}

bool is_exact(const TablePair& pair) {
  return std::all_of(pair.key.begin(), pair.key.end(), [](const ComparedColumn& column) { return column.is_exact; });
}

}  // namespace tributary::postgres::verify
