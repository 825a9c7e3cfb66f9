#pragma once

#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/roles/statement.h"

// What belongs to a database itself and is in no dump of its contents.
namespace tributary::postgres {

struct DatabaseStatements {
  std::string name;  // on the target
  // CREATE DATABASE under `name_while_new` with the source's encoding and locale, then the mark; each carried out by
  // itself in another database of the target.
  std::vector<Statement> create;
  std::string name_while_new;
  // Connection limit, settings (ALTER DATABASE ... SET, also per role), grants, owner and, last, the comment; in any
  // database of the target. To be carried out last of all: a setting or a grant may shut out the sessions that still
  // have to write.
  std::vector<Statement> describe;
  std::vector<api::Finding> findings;  // what `describe` cannot give
};

// For the database that `source` is in, under the name `name` on the target.
Result<DatabaseStatements> database_statements(Connection& source, const TargetTraits& target, const std::string& name,
                                               const Until& until);

Result<bool> database_exists(Connection& server, const std::string& name, const Until& until);

// Creates the database, from another one of the same server. It bears its name only once it is marked: killed before
// that, the next call carries on, and where another engine does the same at the same time, both succeed.
Result<void> create_database(Connection& server, const DatabaseStatements& database, const Until& until);

// Drops the database of that name and creates it: known to be possible before anything is dropped.
Result<void> replace_database(Connection& server, const DatabaseStatements& database, const Until& until);

// A database that we created has a comment of ours until it is described: whoever takes up an unfinished copy knows by
// it that the description is still to come, and that the database is nobody else's.
Result<bool> is_undescribed(Connection& inside, const Until& until);

// Carries out `statements.describe`, inside the caller's transaction. What is refused is added to the findings, which
// are the answer.
Result<std::vector<api::Finding>> describe_database(Connection& target, const DatabaseStatements& statements,
                                                    const Until& until);

}  // namespace tributary::postgres
