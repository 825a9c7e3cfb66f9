#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::postgres::sync {

// Those of these OIDs.
std::vector<FollowedTable> tables_of(const std::vector<std::uint32_t>& ids, const std::vector<FollowedTable>& all);

// As they are to be recorded, and logged: those that are not in that state already, and have not stopped.
std::vector<FollowedTable> moved(std::vector<FollowedTable> tables, FollowedTable::State state,
                                 const std::string& reason);

}  // namespace tributary::postgres::sync
