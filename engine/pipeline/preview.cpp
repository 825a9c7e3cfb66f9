#include "engine/pipeline/preview.h"

#include <utility>

#include "engine/pipeline/estimate.h"
#include "engine/pipeline/plan.h"
#include "engine/pipeline/refusal.h"

namespace tributary::pipeline {
namespace {

PlannedTable planned(const model::Table& table, int parts) {
  return {model::display(table.name), table.bytes, table.rows, parts, table.format};
}

Result<PlannedDatabase> plan_database(const DatabasePair& pair, Servers& servers, int streams, const Until& until) {
  const std::unique_ptr<Source> source = TRY(servers.source(pair, until));
  TRY(source->open_snapshot({}, until));
  const std::vector<model::Table> tables = TRY(source->tables(until));
  std::uint64_t bytes = 0;
  for (const model::Table& table : tables) bytes += table.bytes;
  PlannedDatabase database{
      pair.source, pair.target, {}, TRY(source->schema(until)).steps.size(), estimated_time(tables.size(), bytes)};
  PlanLimits limits;
  limits.streams = streams;
  limits.splits_tables = source->splits_tables();
  for (const Batch& batch : plan_copy(tables, std::vector<bool>(tables.size()), limits))
    for (const model::CopyPart& part : batch.parts)
      if (part.number == 0) database.tables.push_back(planned(tables[part.table], part.of));
  source->close_snapshot();
  return database;
}

}  // namespace

Result<SnapshotPlan> plan_snapshot(Servers& servers, ProgressBoard& board, const Until& until) {
  SnapshotPlan plan;
  board.enter(api::Phase::validating, "checking both ends");
  for (api::Finding& finding : TRY(servers.preflight(until)))
    if (finding.severity != api::Severity::ok) plan.findings.push_back(std::move(finding));
  if (const api::Finding* error = first_error(plan.findings)) return refusal(*error);
  plan.parallelism = TRY(servers.parallelism(until));
  for (const DatabasePair& pair : TRY(servers.databases(until))) {
    board.enter(api::Phase::preparing, "planning database " + pair.source);
    Result<PlannedDatabase> database = plan_database(pair, servers, plan.parallelism, until);
    if (!database) return within("database " + pair.source, database.error());
    plan.databases.push_back(std::move(database).value());
  }
  return plan;
}

}  // namespace tributary::pipeline
