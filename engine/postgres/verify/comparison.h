#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"
#include "engine/postgres/moment/moment.h"
#include "engine/postgres/verify/database_ends.h"
#include "engine/postgres/verify/difference_log.h"
#include "engine/postgres/verify/key_ranges.h"
#include "engine/postgres/verify/repair.h"
#include "engine/postgres/verify/retry.h"
#include "engine/postgres/verify/subjects.h"

// One database of both ends, compared.
namespace tributary::postgres::verify {

struct ComparisonOptions {
  std::string database;  // the source's name of it
  DatabaseEnds ends;
  std::string key;  // of the replication in the target's ledger; "" where there is no stream
  bool whole = true;
  Selects selects;
  int parallelism = 1;
  bool show_values = false;
  bool large_objects = true;  // are part of it, as of a copy
  TakeRepair repair = nullptr;
  std::string run = {};  // what the ledger calls this comparison; "" keeps nothing in it
  bool restart = false;  // takes nothing over from one of the same name
  RangeSizes sizes = {};
  // As long is a snapshot kept, and until the ranges are done that were begun before.
  Seconds moment_age{600};
  moment::MomentLimits moments = {};
  RetryLimits retries = {};
  Seconds sequences_carried{90};  // within which a stream that is near carries them
};

// Adds what it found to `verification`; a table that could not be compared is told of in it. An Error only where an end
// could not be asked at all.
Result<void> compare_database(const ComparisonOptions& options, pipeline::ProgressBoard& board,
                              api::Verification& verification, const Until& until);

}  // namespace tributary::postgres::verify
