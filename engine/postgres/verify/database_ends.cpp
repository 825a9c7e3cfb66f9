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

// What to do about a database that is not there.
Error hinted(Error error, const char* hint) {
  if (error.fault == Fault::missing && error.hint.empty()) error.hint = hint;
  return error;
}

}  // namespace

Result<Sessions> open_sessions(const DatabaseEnds& ends, const Until& until) {
  const Parameters from = TRY(ends.source());
  Result<Connection> source = open_source_session(from, "verify", until);
  if (!source) return hinted(source.error(), "check which database of the source is meant");
  Parameters parameters = TRY(ends.target());
  parameters["application_name"] = "tributary/verify";
  parameters["client_encoding"] = source->reported("client_encoding");
  Result<Connection> target = open_data_session(parameters, until);
  if (!target) return hinted(target.error(), "copy it first with tributary init, or check its name on the target");
  TRY(source->execute(settings, until));
  TRY(target->execute(settings, until));
  return Sessions{std::move(*source), std::move(*target)};
}

Result<Sessions> open_sessions_at(const DatabaseEnds& ends, const std::string& source_snapshot,
                                  const std::string& target_snapshot, const Until& until) {
  Sessions sessions = TRY(open_sessions(ends, until));
  TRY(read_at(sessions.source, source_snapshot, until));
  TRY(read_at(sessions.target, target_snapshot, until));
  return sessions;
}

}  // namespace tributary::postgres::verify
