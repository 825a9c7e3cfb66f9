#pragma once

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// Ends the stream of one database for good: no engine can go on from the ledger, and the source keeps nothing for it.
// The slot goes even where the target cannot be reached, since its name derives from the replication; then the Error
// is the target's. Success where there is nothing. The ledger's rows stay, marked, or go with
// pipeline::Remember::nothing.
Result<void> release(const StreamOptions& options, pipeline::Remember remember, const Until& until);

}  // namespace tributary::postgres::sync
