#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// Ends the stream of one database for good: no engine can go on from the ledger, and the source keeps nothing for it.
// Of a declared replication the slot goes even where the target cannot be reached, since its name is its own: success,
// unless anything of the target is to go too, then the Error is the target's. Success where there is nothing. One by
// hand is known by its target alone: where that cannot be asked or knows nothing of the stream, nothing is touched and
// it is an Error (Fault::invalid). The ledger's rows stay, marked, or go with pipeline::Keep::data; with
// pipeline::Keep::nothing goes also what was copied, whether there is a stream or not (target_data.h), but for what the
// findings name.
Result<std::vector<api::Finding>> release(const StreamOptions& options, pipeline::Keep keep, const Until& until);

}  // namespace tributary::postgres::sync
