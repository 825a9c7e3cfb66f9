#pragma once

#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/statement.h"
#include "engine/postgres/target_traits.h"

// What belongs to a database itself and is in no dump of its contents.
namespace tributary::postgres {

struct DatabaseStatements {
  // CREATE DATABASE with the source's encoding and locale; carried out in another database of the target.
  Statement create;
  // Connection limit, comment, settings (ALTER DATABASE ... SET, also per role), grants and owner; in any database of
  // the target, and only for a database that we created. To be carried out last of all: a setting or a grant may shut
  // out the sessions that still have to write.
  std::vector<Statement> describe;
};

// For the database that `source` is in, under the name `name` on the target.
Result<DatabaseStatements> database_statements(Connection& source, const TargetTraits& target, const std::string& name,
                                               std::vector<api::Finding>& findings, const Until& until);

}  // namespace tributary::postgres
