#pragma once

#include <set>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres::sync {

// Gives the indexes of the target that have the name of one of these new tables' the name that the source's have by
// now, or where it has none like them, one that nobody has: an index is renamed without a word in the log, and keeps
// its name when its table is renamed. Fault::invalid where such an index is on a table that is not of this replication.
Result<void> free_index_names(Connection& source, Connection& target, const Owner& owner,
                              const std::set<model::Name>& tables, const Until& until);

}  // namespace tributary::postgres::sync
