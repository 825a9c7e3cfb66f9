#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/connection.h"

// What ANALYZE is to look at after a copy, shared out to sessions: the biggest first, each to the session with the
// least to do. Partitioned tables have statistics of their own, which nothing but this gathers (autovacuum passes them
// over).
namespace tributary::postgres {

// Names as ANALYZE takes them, one list for each of `sessions`, some of which may stay empty.
Result<std::vector<std::vector<std::string>>> share_statistics(Connection& target,
                                                               const std::vector<model::Table>& tables, int sessions,
                                                               const Until& until);

}  // namespace tributary::postgres
