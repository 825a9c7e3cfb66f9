#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// Triggers and rules of users that fire in a session that writes the rows of somebody else. What they do was done on
// the source already, and comes from there. Those of foreign keys and deferred constraints are none of them.
namespace tributary::postgres {

enum class Writing {
  changes,  // any statement: INSERT, UPDATE, DELETE, TRUNCATE
  copy,     // COPY, and TRUNCATE before it
};

struct Firing {
  model::Name table;   // that is written to
  std::string what;    // "trigger audit of public.orders would fire for what is written to it"
  std::string remedy;  // "ALTER TABLE public.orders DISABLE TRIGGER audit"
};

// Of these tables, and of the partitions that their rows go to; the session's own session_replication_role counts.
Result<std::vector<Firing>> read_firing(Connection& target, const std::vector<model::Name>& tables, Writing writing,
                                        const Until& until);

// Why a table cannot be followed or copied again. Pure.
std::string reason_of(const Firing& firing);

// No rows where nothing fires for changes of the tables that $1 and $2 name, as schemas and names of NameArrays.
extern const std::string firing_for_changes;

}  // namespace tributary::postgres
