#include "engine/postgres/statistics.h"

#include <algorithm>
#include <map>

#include "engine/postgres/array_literal.h"
#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

// ANALYZE reads 30,000 pages of a table, whatever its size.
constexpr std::uint64_t largest_sample = 30'000 * 8192;
constexpr std::uint64_t least_sample = 8192;
constexpr int first_major_with_only = 18;

std::uint64_t sample_of(std::uint64_t bytes) {
  return std::clamp(bytes, least_sample, largest_sample);
}

using Samples = std::map<std::string, std::uint64_t>;  // bytes to read, by name

// The tables above each partition, from the nearest to the topmost, by their position in `tables`.
Result<std::map<std::size_t, std::vector<model::Name>>> read_parents(Connection& target,
                                                                     const std::vector<model::Table>& tables,
                                                                     const Until& until) {
  std::vector<std::string> schemas, names;
  for (const model::Table& table : tables) {
    schemas.push_back(table.name.schema);
    names.push_back(table.name.name);
  }
  const Rows rows = TRY(
      target.query("SELECT g.position - 1, pn.nspname, p.relname"
                   " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g (schema, name, position)"
                   " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
                   " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relispartition"
                   " CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY AS a (id, distance)"
                   " JOIN pg_catalog.pg_class p ON p.oid = a.id AND p.oid <> c.oid"
                   " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace ORDER BY g.position, a.distance",
                   {array_literal(schemas), array_literal(names)}, until));
  std::map<std::size_t, std::vector<model::Name>> parents;
  for (int row = 0; row < rows.size(); ++row)
    parents[static_cast<std::size_t>(rows.integer(row, 0))].push_back({rows.str(row, 1), rows.str(row, 2)});
  return parents;
}

}  // namespace

// Before 18, ANALYZE of a partitioned table looks at each of its partitions as well.
Result<std::vector<std::vector<std::string>>> share_statistics(Connection& target,
                                                               const std::vector<model::Table>& tables, int sessions,
                                                               const Until& until) {
  const bool only = target.major_version() >= first_major_with_only;
  const auto parents = TRY(read_parents(target, tables, until));
  Samples samples;
  for (std::size_t table = 0; table < tables.size(); ++table) {
    const std::uint64_t bytes = sample_of(tables[table].bytes);
    const auto above = parents.find(table);
    if (above == parents.end() || only) samples[quote_name(tables[table].name)] += bytes;
    if (above == parents.end()) continue;
    if (!only) samples[quote_name(above->second.back())] += bytes;
    for (const model::Name& parent : above->second)
      if (only) samples["ONLY " + quote_name(parent)] = largest_sample;
  }
  std::vector<std::pair<std::string, std::uint64_t>> order(samples.begin(), samples.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& left, const auto& right) { return left.second > right.second; });
  std::vector<std::vector<std::string>> shares(static_cast<std::size_t>(sessions));
  std::vector<std::uint64_t> loads(shares.size());
  for (const auto& [name, bytes] : order) {
    const auto least = static_cast<std::size_t>(std::min_element(loads.begin(), loads.end()) - loads.begin());
    shares[least].push_back(name);
    loads[least] += bytes;
  }
  return shares;
}

}  // namespace tributary::postgres
