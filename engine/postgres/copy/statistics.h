#pragma once

#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"

// What ANALYZE is to look at after a copy. Partitioned tables have statistics of their own, which nothing but this
// gathers (autovacuum passes them over).
namespace tributary::postgres {

// Subjects are names as ANALYZE takes them. What has foreign tables among its partitions or heirs is left out: to
// ANALYZE it would read their rows too, from servers that nobody asked us to load or to wait for.
Result<pipeline::StatisticsPlan> plan_statistics(Connection& target, const std::vector<model::Table>& tables,
                                                 const Until& until);

// `object` is for people, as in a Sample.
api::Finding statistics_left_out(const std::string& object, const std::string& why);

}  // namespace tributary::postgres
