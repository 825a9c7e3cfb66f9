#include "engine/postgres/roles/statement.h"

namespace tributary::postgres {

Result<std::vector<api::Finding>> carry_out(Connection& connection, const std::vector<Statement>& statements,
                                            const std::string& code,
                                            const std::function<bool(std::string_view)>& may_be_left_out,
                                            const Until& until) {
  std::vector<api::Finding> findings;
  for (const Statement& statement : statements) {
    if (statement.optional) TRY(connection.execute("SAVEPOINT statement", until));
    const Result<void> done = connection.execute(statement.sql, until);
    const bool left_out = !done && statement.optional && may_be_left_out(connection.sqlstate());
    if (!done && !left_out) return within(statement.object, done.error());
    if (left_out) {
      findings.push_back({api::Severity::warning, code, statement.object, done.error().what, done.error().hint});
      TRY(connection.execute("ROLLBACK TO SAVEPOINT statement", until));
    }
    if (statement.optional) TRY(connection.execute("RELEASE SAVEPOINT statement", until));
  }
  return findings;
}

}  // namespace tributary::postgres
