#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What the connection's role may do with existing tables of a target.
namespace tributary::postgres {

struct TableRights {
  std::vector<std::string> denied;  // why no row can be copied: "public.orders: row-level security applies to it"
  // Tables of others, with their owners: no index or key can be built on them, not even one that is there already.
  std::vector<std::pair<model::Name, std::string>> not_owned;
};

Result<TableRights> read_table_rights(Connection& target, const std::vector<model::Name>& tables, const Until& until);

}  // namespace tributary::postgres
