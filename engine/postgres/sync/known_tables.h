#pragma once

#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/renaming.h"
#include "engine/postgres/sync/shape_plan.h"

// What a look at the source's tables makes of those that the ledger knows, beside what has changed of them.
namespace tributary::postgres::sync {

// Those that are to be copied again and that the target does not have.
Result<void> mark_absent(Claimed& claimed, std::vector<KnownTable>& known, const Until& until);
// Takes the tables out of `added` whose names others of the ledger still have, but for absent ones.
Result<void> keep_names(Claimed& claimed, const std::vector<KnownTable>& known, std::vector<const SourceTable*>& added,
                        const Until& until);
// In the caller's transaction: tables that change names together, and what else of the ledger goes by those.
Result<void> record_new_names(Claimed& claimed, const std::vector<Renaming>& tables, const Until& until);
// Nothing is known any more of tables that are gone on both sides.
Result<void> forget_gone(Claimed& claimed, const std::vector<KnownTable>& known, const Until& until);
// Has tables that are not streamed copied again whose rows are older than `age`; none where it is 0. True where there
// are such.
Result<bool> refresh_aged(Claimed& claimed, Seconds age, const Until& until);

}  // namespace tributary::postgres::sync
