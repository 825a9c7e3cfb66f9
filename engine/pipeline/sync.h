#pragma once

#include <memory>
#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/backoff.h"
#include "engine/base/until.h"
#include "engine/pipeline/follow.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/servers.h"

// Continuous sync of all selected databases, each on a thread of its own.
namespace tributary::pipeline {

// Both servers as a sync sees them. Used by one thread; every StreamEnds by another, and before its SyncServers go.
class SyncServers {
 public:
  virtual ~SyncServers() = default;
  // The selected databases, by name. Never empty.
  virtual Result<std::vector<DatabasePair>> databases(const Until& until) = 0;
  virtual std::unique_ptr<StreamEnds> ends(const DatabasePair& databases) = 0;
};

// Follows until `until` stops it, which is success; never throws, always reports. The first database whose stream
// cannot go on ends all of them: a part that stands still behind a process that looks alive would go unnoticed.
api::Report run_sync(const api::Spec& spec, SyncServers& servers, ProgressBoard& board, const Until& until,
                     const Backoff::Limits& pauses = {});

}  // namespace tributary::pipeline
