#pragma once

#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/servers.h"

// One snapshot from beginning to end, over all selected databases.
namespace tributary::pipeline {

// Copies what `spec` selects. Blocks until it is done, failed or `until` ends it; never throws, always reports: a
// failure is a Report with its exit code, reason, message and hint. Success is said only after every database's
// ledger holds every selected table with the counts of both ends equal. Transient faults before the first row are
// retried (Phase::waiting shows the error). The board is written by this call and its threads only.
api::Report run_snapshot(const api::Spec& spec, Servers& servers, ProgressBoard& board, const Until& until);

// What run_snapshot would do, found without writing anything anywhere.
struct PlannedTable {
  std::string name;
  std::uint64_t bytes = 0;  // estimate
  double rows = -1;         // estimate; -1 unknown
  int parts = 1;
  std::string format;  // binary, text
};
struct PlannedDatabase {
  std::string source;
  std::string target;
  std::vector<PlannedTable> tables;  // in the order of their copy
  std::size_t steps = 0;             // schema statements
};
struct SnapshotPlan {
  int parallelism = 0;
  std::vector<PlannedDatabase> databases;
  std::vector<api::Finding> findings;
};
Result<SnapshotPlan> plan_snapshot(const api::Spec& spec, Servers& servers, const Until& until);
std::string to_text(const SnapshotPlan& plan);
std::string to_json(const SnapshotPlan& plan);

}  // namespace tributary::pipeline
