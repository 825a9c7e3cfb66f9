#pragma once

#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/connection.h"

// What ANALYZE is to look at after a copy. Partitioned tables have statistics of their own, which nothing but this
// gathers (autovacuum passes them over).
namespace tributary::postgres {

// Subjects are names as ANALYZE takes them.
Result<std::vector<pipeline::Sample>> statistics_samples(Connection& target, const std::vector<model::Table>& tables,
                                                         const Until& until);

}  // namespace tributary::postgres
