#pragma once

#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/apply/descriptions.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres::apply {

// Takes over a session of open_target_session() and reads where the stream and its tables stand. `owner` holds the
// stream's epoch as begin_stream_epoch() gave it. Fault::missing where the ledger has no stream of the replication.
//
// Statements travel without waiting for their answers, so an Error about a change may come from a later call than that
// which was given it, at the latest from commit(). Where the role of the session may not say
// session_replication_role, foreign keys of the target take part; tables that have some are applied in order then. A
// table on which a trigger or rule of users would fire is stopped. `descriptions` is borrowed; null takes every
// description of the log for one that fits: where one does not, the table counts as stopped(), and stop() has it looked
// into.
Result<std::unique_ptr<pipeline::Applier>> open_applier(Connection connection, const Owner& owner, const Until& until,
                                                        Descriptions* descriptions = nullptr);

// The same for tables that have been copied again, all at one position, beside the stream: their positions in the
// ledger move, and the stream's does not. Fault::missing where the ledger does not know one of them as such; commit()
// gives Fault::transient where it does not any more.
Result<std::unique_ptr<pipeline::Applier>> open_recopy_applier(Connection connection, const Owner& owner,
                                                               const std::vector<model::Name>& tables,
                                                               const Until& until);

}  // namespace tributary::postgres::apply
