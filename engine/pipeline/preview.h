#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/servers.h"

// What run_snapshot would do, found without writing anything anywhere.
namespace tributary::pipeline {

struct PlannedTable {
  std::string name;
  std::uint64_t bytes = 0;  // estimate
  double rows = -1;         // estimate; -1 unknown
  int parts = 1;
  model::CopyFormat format = model::CopyFormat::text;  // on a target whose types are the same
};

struct PlannedDatabase {
  std::string source;
  std::string target;
  std::vector<PlannedTable> tables;  // in the order of their copy
  std::size_t steps = 0;             // schema statements
  Seconds time{0};                   // a rough guess
};

struct SnapshotPlan {
  int parallelism = 0;  // copy streams
  std::vector<PlannedDatabase> databases;
  std::vector<api::Finding> findings;  // warnings of the checks that a snapshot begins with
};

// Fails with what run_snapshot would fail with before its first write. Holds each source database's snapshot and its
// locks for as long as it reads the catalog. What it is at stands on the board.
Result<SnapshotPlan> plan_snapshot(Servers& servers, ProgressBoard& board, const Until& until);

}  // namespace tributary::pipeline
