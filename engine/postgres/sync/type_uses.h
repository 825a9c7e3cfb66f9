#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// Which tables of a source a type stands in: columns have it in arrays, domains, ranges and composite types, too.
namespace tributary::postgres::sync {

struct UsedType {
  model::Name name;
  std::vector<std::uint32_t> tables;  // OIDs
  std::string answer;                 // to what was asked of it
};

// Of the users' types, by name, those in which tables have columns. Those of extensions are left to them. `which` is a
// condition, and `question` an expression, on pg_type "t"; the condition also on pg_class "c", where the type is one of
// rows. The connection as in catalog.h.
Result<std::vector<UsedType>> read_used_types(Connection& source, const std::string& which, const std::string& question,
                                              const Until& until);

}  // namespace tributary::postgres::sync
