#include "engine/postgres/ledger/table_drop.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t dropped_at_once = 200;
constexpr std::size_t named_at_most = 5;

// Those of a partition go with the one above it.
constexpr const char* keys_between = R"sql(
WITH gone AS (
  SELECT c.oid, g.schema, g.name FROM unnest($1::text[], $2::text[]) AS g (schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name
)
SELECT g.schema, g.name, k.conname FROM pg_catalog.pg_constraint k JOIN gone g ON g.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid <> k.conrelid AND k.confrelid IN (SELECT oid FROM gone)
ORDER BY 1, 2, 3)sql";

// Foreign keys tie most tables of a database together, and are the only ones that may go by themselves.
Result<void> drop_keys(Connection& target, const std::vector<model::Name>& tables, const Until& until) {
  const NameArrays gone(tables);
  const Rows keys = TRY(target.query(keys_between, {gone.schemas(), gone.names()}, until));
  std::string sql;
  for (int row = 0; row < keys.size(); ++row) {
    sql += "ALTER TABLE " + quote_name({keys.str(row, 0), keys.str(row, 1)}) + " DROP CONSTRAINT " +
           quote_identifier(keys.str(row, 2)) + ";\n";
    const auto count = static_cast<std::size_t>(row) + 1;
    if (count % dropped_at_once != 0 && row + 1 != keys.size()) continue;
    TRY(target.execute(sql, until));
    sql.clear();
  }
  return {};
}

}  // namespace

std::vector<std::vector<std::size_t>> groups_to_drop(std::size_t tables,
                                                     const std::vector<std::pair<std::size_t, std::size_t>>& bonds,
                                                     std::size_t at_once) {
  std::vector<std::size_t> first(tables);  // a smaller one that a table hangs together with, or itself
  std::iota(first.begin(), first.end(), std::size_t{0});
  const auto first_of = [&](std::size_t table) {
    while (first[table] != table) table = first[table] = first[first[table]];
    return table;
  };
  for (const auto& [one, other] : bonds) {
    const std::size_t a = first_of(one);
    const std::size_t b = first_of(other);
    first[std::max(a, b)] = std::min(a, b);
  }
  std::map<std::size_t, std::vector<std::size_t>> groups;
  for (std::size_t table = 0; table < tables; ++table) groups[first_of(table)].push_back(table);
  std::vector<std::vector<std::size_t>> all;
  for (const auto& [table, group] : groups) {
    if (all.empty() || all.back().size() + group.size() > at_once) all.emplace_back();
    all.back().insert(all.back().end(), group.begin(), group.end());
  }
  return all;
}

Result<void> drop_tables(Connection& target, const std::vector<model::Name>& tables, const Until& until) {
  TRY(drop_keys(target, tables, until));
  const auto bonds = TRY(dependencies_between(target, tables, until));
  for (const std::vector<std::size_t>& group : groups_to_drop(tables.size(), bonds, dropped_at_once)) {
    std::string sql;
    std::vector<std::string> displayed;
    for (const std::size_t table : group) {
      sql += (sql.empty() ? "DROP TABLE " : ", ") + quote_name(tables[table]);
      displayed.push_back(display(tables[table]));
    }
    const Result<void> dropped = target.execute(sql, until);
    if (!dropped) return within("dropping " + join(displayed, named_at_most), dropped.error());
  }
  return {};
}

}  // namespace tributary::postgres
