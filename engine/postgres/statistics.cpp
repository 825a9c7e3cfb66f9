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
Result<std::vector<pipeline::Sample>> statistics_samples(Connection& target, const std::vector<model::Table>& tables,
                                                         const Until& until) {
  const bool only = target.major_version() >= first_major_with_only;
  const auto parents = TRY(read_parents(target, tables, until));
  std::map<std::string, pipeline::Sample> samples;
  const auto add = [&](const std::string& subject, std::size_t table, std::uint64_t bytes) {
    pipeline::Sample& sample = samples.try_emplace(subject, pipeline::Sample{subject, {}, 0}).first->second;
    sample.tables.push_back(table);
    sample.bytes += bytes;
  };
  for (std::size_t table = 0; table < tables.size(); ++table) {
    const std::uint64_t bytes = sample_of(tables[table].bytes);
    const auto above = parents.find(table);
    if (above == parents.end() || only) add(quote_name(tables[table].name), table, bytes);
    if (above == parents.end()) continue;
    if (!only) add(quote_name(above->second.back()), table, bytes);
    for (const model::Name& parent : above->second)
      if (only) add("ONLY " + quote_name(parent), table, bytes);
  }
  std::vector<pipeline::Sample> result;
  for (auto& [subject, sample] : samples) result.push_back(std::move(sample));
  return result;
}

}  // namespace tributary::postgres
