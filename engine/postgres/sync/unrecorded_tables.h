#pragma once

#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/source_sight.h"

namespace tributary::postgres::sync {

// Tables are created step by step, and recorded then: an engine that was killed between leaves some that the ledger
// tells nothing of but who made them, and which the source may have changed since. Of `tables`, which are to be
// created, drops those of the target that this replication has made, that have other columns than the source's, and no
// row. What something else of the target needs stays.
Result<void> drop_unrecorded_tables(Claimed& claimed, const std::vector<const SourceTable*>& tables,
                                    const Until& until);

}  // namespace tributary::postgres::sync
