#include "engine/postgres/verify/database_ends.h"

#include <utility>

#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres::verify {
namespace {

// Compiling the expressions of a hash costs more than it saves.
constexpr const char* settings = "SET lock_timeout = '30s'; SET jit = off; SET default_transaction_read_only = on";

Result<void> read_at(Connection& connection, const std::string& snapshot, const Until& until) {
  return connection.execute(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT " + quote_literal(snapshot), until);
}

}  // namespace

Result<Sessions> open_sessions(const DatabaseEnds& ends, const Until& until) {
  const Parameters from = TRY(ends.source());
  Connection source = TRY(open_source_session(from, "verify", until));
  Parameters parameters = TRY(ends.target());
  parameters["application_name"] = "tributary/verify";
  parameters["client_encoding"] = source.reported("client_encoding");
  Connection target = TRY(open_data_session(parameters, until));
  TRY(source.execute(settings, until));
  TRY(target.execute(settings, until));
  return Sessions{std::move(source), std::move(target)};
}

Result<Sessions> open_sessions_at(const DatabaseEnds& ends, const std::string& source_snapshot,
                                  const std::string& target_snapshot, const Until& until) {
  Sessions sessions = TRY(open_sessions(ends, until));
  TRY(read_at(sessions.source, source_snapshot, until));
  TRY(read_at(sessions.target, target_snapshot, until));
  return sessions;
}

}  // namespace tributary::postgres::verify
