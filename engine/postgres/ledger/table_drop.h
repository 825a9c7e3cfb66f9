#pragma once

#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// Which of `tables` tables go in one statement: those that hang together by `bonds` (of positions), and as many others
// as make `at_once`. In the order of their first ones. Pure.
std::vector<std::vector<std::size_t>> groups_to_drop(std::size_t tables,
                                                     const std::vector<std::pair<std::size_t, std::size_t>>& bonds,
                                                     std::size_t at_once);

// Drops these tables, on which nothing else depends (occupancy.h), some at a time: a dropped table holds several locks
// until its transaction ends. What was dropped before an Error is gone.
Result<void> drop_tables(Connection& target, const std::vector<model::Name>& tables, const Until& until);

}  // namespace tributary::postgres
