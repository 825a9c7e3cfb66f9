#pragma once

#include <vector>

#include "engine/api/stream_status.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/table_standing.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// One database's stream as its ends say it; `target` is left to the caller. Reads only, and takes no lock.
Result<api::StreamStatus> read_status(const StreamOptions& options, const Until& until);

// What became of tables that were asked for by hand. Likewise.
Result<pipeline::RecopyStanding> read_recopy_standing(const StreamOptions& options,
                                                      const std::vector<pipeline::AskedTable>& asked,
                                                      const Until& until);

}  // namespace tributary::postgres::sync
