#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/client/connection.h"

// What is in a target database already, and so in the way. Reads only.
namespace tributary::postgres {

// Objects of users: relations, functions, types, schemas, large objects; not those of extensions, `_tributary`, nor an
// empty schema public. "table public.orders", at most `limit`.
Result<std::vector<std::string>> user_objects(Connection& target, int limit, const Until& until);

// Tables of extensions that users add rows to (pg_extension_config_dump), each with the condition that tells these rows
// from the extension's own: "WHERE ..." or "". What the extension put there is neither in the way nor ours to remove.
Result<std::map<model::Name, std::string>> read_config_tables(Connection& target, const Until& until);

// Of these tables the ones that hold rows of users.
Result<std::vector<model::Name>> tables_with_rows(Connection& target, const std::vector<model::Table>& tables,
                                                  const Until& until);

// Of these tables the ones that exist.
Result<std::vector<model::Name>> existing_tables(Connection& target, const std::vector<model::Table>& tables,
                                                 const Until& until);

// What bears the name of one of `tables`, or of one of the partitioned tables above them, and is no such table: "view
// public.orders", "type public.orders".
Result<std::vector<std::string>> names_taken(Connection& target, const std::vector<model::Name>& tables,
                                             const std::vector<model::Name>& partitioned, const Until& until);

// Why the rows of a table cannot go into the existing one of its name: "public.orders has no column total".
Result<std::vector<std::string>> misfits(Connection& target, const std::vector<model::Table>& tables,
                                         const Until& until);

// Objects outside `tables` that would have to go with them, or would go unasked as a partition does, each with the one
// of `tables` that it depends on, and the relation that it is or belongs to, where there is
// one: {"view public.report", public.orders, public.report, ""}; and how the statement goes on that drops it, of what
// is not a relation, without the arguments of a function.
struct Dependant {
  std::string object;
  model::Name of;
  model::Name relation;
  std::string called;
};
Result<std::vector<Dependant>> dependants(Connection& target, const std::vector<model::Name>& tables,
                                          const Until& until);

// Which of `tables` cannot go before which others, by their positions: {one, what depends on it}.
Result<std::vector<std::pair<std::size_t, std::size_t>>> dependencies_between(Connection& target,
                                                                              const std::vector<model::Name>& tables,
                                                                              const Until& until);

// Sessions of others in the current database: "process 71 of app (psql)".
Result<std::vector<std::string>> other_sessions(Connection& target, const std::string& own_prefix, const Until& until);

// What keeps the server from dropping the current database: "subscription orders". Sessions apart.
Result<std::vector<std::string>> drop_obstacles(Connection& target, const Until& until);

// "a, b, c and 4 more". Pure.
std::string join(const std::vector<std::string>& names, std::size_t most);

}  // namespace tributary::postgres
