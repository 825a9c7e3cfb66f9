#pragma once

#include <functional>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/plan.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"

// The parallel part of a snapshot: rows, indexes, constraints and statistics beside them, foreign keys at the end.
namespace tributary::pipeline {

struct CopyRequest {
  const Contents& contents;         // the target's tables exist and are empty, but for `kept`
  const std::vector<bool>& kept;    // per table: its rows are there already
  std::vector<TableMeter*> meters;  // per table
  int streams = 1;
  PlanLimits limits;
  // Runs on the calling thread while the workers copy, under the source's view; a worker's failure stops it.
  std::function<Result<void>(const Until&)> beside;
  // Runs on the calling thread when all rows are there and what is built on each table, and nothing else runs; foreign
  // keys and statistics come after it. May be empty.
  std::function<Result<void>(const Until&)> before_keys = {};
  Milliseconds watch_period{5'000};  // how often to look whether somebody waits for the source's view to go
};

// Blocks until everything is done, or the first failure stopped all workers; that one is returned. Each of `streams`
// threads has a writer of its own. The source's view and its readers are closed as soon as the last row was read.
// Every part's count is compared: what the source sent is what the target took, or the copy fails.
Result<std::vector<api::Finding>> copy_database(Source& source, Target& target, const CopyRequest& request,
                                                ProgressBoard& board, const Until& until);

}  // namespace tributary::pipeline
