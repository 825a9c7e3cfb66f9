#include "engine/postgres/verify/key_ranges.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/verify/row_hash.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Key;
using tributary::verify::KeyRange;

constexpr double samples_per_range = 100;
constexpr double correlated_from = 0.9;

// How the rows lie by the first column of the key, as the server has last seen it; 0 where it says nothing.
constexpr const char* correlation =
    "SELECT coalesce(max(abs(correlation)), 0) FROM pg_stats WHERE schemaname = $1 AND tablename = $2 AND attname = $3";

std::string row_of(const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) list += (list.empty() ? "" : ", ") + value;
  return values.size() == 1 ? list : "(" + list + ")";
}

std::string row_of_key(const TablePair& pair) {
  std::vector<std::string> columns;
  for (std::size_t each = 0; each < pair.ordered; ++each) columns.push_back(of_t(pair.key[each].name));
  return row_of(columns);
}

std::string row_of_literals(const Key& key) {
  std::vector<std::string> literals;
  for (const std::string& value : key) literals.push_back(quote_literal(value));
  return row_of(literals);
}

// In the key's order. Equal ones are left in: a range between two of them is empty and does no harm.
Result<std::vector<Key>> sample(Connection& source, const TablePair& pair, double percent, const Until& until) {
  std::string columns;
  std::string order;
  for (std::size_t each = 0; each < pair.ordered; ++each) {
    columns += (columns.empty() ? "" : ", ") + of_t(pair.key[each].name);
    order += (order.empty() ? "" : ", ") + std::to_string(each + 1);
  }
  const Rows rows = TRY(source.query("SELECT " + columns + " FROM " + scanned(pair.ends.source) +
                                         " TABLESAMPLE system (" + std::to_string(percent) + ") ORDER BY " + order,
                                     until));
  std::vector<Key> keys;
  for (int row = 0; row < rows.size(); ++row) {
    Key key;
    for (int column = 0; column < rows.columns(); ++column) key.push_back(rows.str(row, column));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

Result<std::vector<KeyRange>> cut_into_ranges(Connection& source, const TablePair& pair, const RangeSizes& sizes,
                                              const Until& until) {
  const TableTraits& table = pair.ends.source;
  if (pair.ordered == 0 || table.bytes <= sizes.bytes || table.rows < 1) return std::vector<KeyRange>{KeyRange{}};
  const Rows seen =
      TRY(source.query_row(correlation, {table.name.schema, table.name.name, pair.key.front().name}, until));
  const std::uint64_t size = seen.real(0, 0) >= correlated_from ? sizes.bytes : sizes.scattered;
  const std::uint64_t count = (table.bytes + size - 1) / size;
  if (count < 2) return std::vector<KeyRange>{KeyRange{}};
  const double percent = std::min(100.0, 100.0 * samples_per_range * static_cast<double>(count) / table.rows);
  const std::vector<Key> samples = TRY(sample(source, pair, percent, until));
  std::vector<KeyRange> ranges{KeyRange{}};
  for (std::uint64_t each = 1; each < count; ++each) {
    const std::size_t at = samples.size() * each / count;
    if (at >= samples.size() || ranges.back().from == samples[at]) continue;
    ranges.back().before = samples[at];
    ranges.push_back({samples[at], {}});
  }
  return ranges;
}

std::string condition_of(const KeyRange& range, const TablePair& pair) {
  std::string condition;
  if (!range.from.empty()) condition = row_of_key(pair) + " >= " + row_of_literals(range.from);
  if (!range.before.empty())
    condition += (condition.empty() ? "" : " AND ") + (row_of_key(pair) + " < " + row_of_literals(range.before));
  return condition;
}

}  // namespace tributary::postgres::verify
