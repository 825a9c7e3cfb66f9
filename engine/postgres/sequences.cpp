#include "engine/postgres/sequences.h"

#include <algorithm>

#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

// So many in one statement: far below what a server's parser or a message minds.
constexpr std::size_t at_once = 500;

template <class T>
std::span<const T> piece(std::span<const T> all, std::size_t begin) {
  return all.subspan(begin, std::min(at_once, all.size() - begin));
}

std::string read_query(std::span<const model::Name> names) {
  std::string sql;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) sql += " UNION ALL ";
    sql += "SELECT " + std::to_string(i) + ", last_value, is_called FROM " + quote_name(names[i]);
  }
  return sql + " ORDER BY 1";
}

}  // namespace

Result<std::vector<pipeline::SequenceValue>> read_sequences(Connection& source, std::span<const model::Name> names,
                                                            const Until& until) {
  std::vector<pipeline::SequenceValue> values;
  values.reserve(names.size());
  for (std::size_t begin = 0; begin < names.size(); begin += at_once) {
    const auto some = piece(names, begin);
    const Rows rows = TRY(source.query(read_query(some), until));
    for (int i = 0; i < rows.size(); ++i) {
      values.push_back({some[static_cast<std::size_t>(i)], rows.integer(i, 1), rows.boolean(i, 2)});
    }
  }
  return values;
}

Result<void> set_sequences(Connection& target, std::span<const pipeline::SequenceValue> values, const Until& until) {
  for (std::size_t begin = 0; begin < values.size(); begin += at_once) {
    std::string sql;
    for (const pipeline::SequenceValue& value : piece(values, begin)) {
      sql += (sql.empty() ? "SELECT " : ", ");
      sql += "pg_catalog.setval(" + quote_literal(quote_name(value.name)) + ", " + std::to_string(value.last_value) +
             ", " + (value.is_called ? "true" : "false") + ")";
    }
    TRY(target.execute(sql, until));
  }
  return {};
}

}  // namespace tributary::postgres
