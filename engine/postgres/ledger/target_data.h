#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres {

// Drops from the target database what the replication has made in it, by its copies and by its stream, as the ledger
// tells, and then the ledger's word of it; with the last replication goes the ledger itself. Never a table that was
// there before, one that another replication has too, or one that something else depends on, which keep all that is
// theirs: each is a finding, TargetDataLeft. The session lock of the replication must be held by `control`. Killed in
// between, it carries on when it is called again.
Result<std::vector<api::Finding>> drop_target_data(Connection& control, Owner owner, const ReplicationRow& row,
                                                   const Until& until);

}  // namespace tributary::postgres
