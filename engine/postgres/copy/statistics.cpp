#include "engine/postgres/copy/statistics.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/postgres/catalog/partition_routes.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

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
  NameArrays given;
  for (const model::Table& table : tables) given.add(table.name);
  const Rows rows = TRY(
      target.query("SELECT g.position - 1, pn.nspname, p.relname"
                   " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g (schema, name, position)"
                   " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
                   " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relispartition"
                   " CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY AS a (id, distance)"
                   " JOIN pg_catalog.pg_class p ON p.oid = a.id AND p.oid <> c.oid"
                   " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace ORDER BY g.position, a.distance",
                   {given.schemas(), given.names()}, until));
  std::map<std::size_t, std::vector<model::Name>> parents;
  for (int row = 0; row < rows.size(); ++row)
    parents[static_cast<std::size_t>(rows.integer(row, 0))].push_back({rows.str(row, 1), rows.str(row, 2)});
  return parents;
}

std::string object_of(const model::Name& table) {
  return "table " + model::display(table);
}

}  // namespace

api::Finding statistics_left_out(const std::string& object, const std::string& why) {
  return {api::Severity::warning, "StatisticsLeftOut", object, "was not analyzed: " + why,
          "ANALYZE it on the target once that can succeed"};
}

// Before 18, ANALYZE of a partitioned table looks at each of its partitions as well.
Result<pipeline::StatisticsPlan> plan_statistics(Connection& target, const std::vector<model::Table>& tables,
                                                 const Until& until) {
  const bool only = target.major_version() >= first_major_with_only;
  const auto parents = TRY(read_parents(target, tables, until));
  const std::set<model::Name> above_foreign = TRY(read_above_foreign(target, until));
  std::map<std::string, pipeline::Sample> samples;
  std::set<model::Name> left_out;
  const auto add = [&](const std::string& subject, const model::Name& name, std::size_t table) {
    const pipeline::Sample empty{subject, {}, 0, object_of(name)};
    pipeline::Sample& sample = samples.try_emplace(subject, empty).first->second;
    sample.tables.push_back(table);
    sample.bytes += sample_of(tables[table].bytes);
  };
  for (std::size_t table = 0; table < tables.size(); ++table) {
    std::vector<model::Name> upwards{tables[table].name};
    const auto above = parents.find(table);
    if (above != parents.end()) upwards.insert(upwards.end(), above->second.begin(), above->second.end());
    const auto foreign = std::find_if(upwards.begin(), upwards.end(),
                                      [&](const model::Name& name) { return above_foreign.contains(name); });
    left_out.insert(foreign, upwards.end());
    upwards.erase(foreign, upwards.end());
    if (upwards.empty()) continue;
    if (!only) {
      add(quote_name(upwards.back()), upwards.back(), table);
      continue;
    }
    add(quote_name(upwards.front()), upwards.front(), table);
    for (auto parent = upwards.begin() + 1; parent != upwards.end(); ++parent)
      add("ONLY " + quote_name(*parent), *parent, table);
  }
  pipeline::StatisticsPlan plan;
  for (auto& [subject, sample] : samples) plan.samples.push_back(std::move(sample));
  for (const model::Name& name : left_out)
    plan.findings.push_back(
        statistics_left_out(object_of(name), "foreign tables are among its parts, whose servers would be asked"));
  return plan;
}

}  // namespace tributary::postgres
