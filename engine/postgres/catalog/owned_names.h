#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// The relations that come with a table: its indexes, those of its constraints included, and the sequences of its
// columns. Where another relation of a target has such a name, the table would go without. Reads only.
namespace tributary::postgres {

struct OwnedName {
  model::Name name;
  model::Name table;
};

// Of all tables of users.
Result<std::vector<OwnedName>> read_owned_names(Connection& source, const Until& until);

enum class Existing { stay, go };

// Those of tables that are to be created, which are the absent ones, or all where existing ones go first:
// "index public.orders_pkey". What goes with one of these tables is not in the way.
Result<std::vector<model::Name>> owned_names_taken(Connection& target, const std::vector<OwnedName>& owned,
                                                   Existing existing, const Until& until);

}  // namespace tributary::postgres
