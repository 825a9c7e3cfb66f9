#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// What the ledger says that one replication has made in a target database: undoing that takes it away, in an order that
// respects dependencies. Overloads of a function are not told apart; the server refuses what others still need.
struct Made {
  std::map<model::Name, std::string> relations;  // and how people call each: "table public.orders"
  std::vector<std::string> undo;                 // "DROP FUNCTION IF EXISTS \"public\".\"f\"(integer);"

  bool holds(const Dependant& dependant) const;
};

// The control schema must exist.
Result<Made> read_made(Connection& target, const std::string& key, const Until& until);

}  // namespace tributary::postgres
