#include "engine/postgres/ledger/session_lock.h"

#include "engine/base/digest.h"
#include "engine/base/pause.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres {
namespace {

constexpr Milliseconds look_again{100};
constexpr Seconds time_to_end{60};

Result<bool> try_lock(Connection& control, const std::string& key, const Until& until) {
  return TRY(control.query_row(
                 "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('_tributary/' || $1, 0))", {key},
                 until))
      .boolean(0, 0);
}

// The holder that the ledger names is ended when a successor was started in its place.
Result<void> end_superseded(Connection& control, const LockRequest& request, const Until& until) {
  if (!TRY(read_control_version(control, until))) return {};
  TRY(
      control.query("SELECT pg_catalog.pg_terminate_backend(a.pid) FROM _tributary.replication r"
                    " JOIN pg_catalog.pg_stat_activity a ON a.pid = r.session_pid AND a.backend_start = r.session_start"
                    " WHERE r.key = $1 AND r.attempt < $2::int AND a.pid <> pg_catalog.pg_backend_pid()",
                    {request.key, std::to_string(request.attempt)}, until));
  return {};
}

Result<std::string> holder(Connection& control, const LockRequest& request, const Until& until) {
  const Rows rows =
      TRY(control.query("SELECT a.pid, COALESCE(pg_catalog.host(a.client_addr), 'the same machine'),"
                        "   to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                        " FROM pg_catalog.pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> "
                        "pg_catalog.pg_backend_pid()"
                        "   AND a.application_name = $1 ORDER BY a.backend_start LIMIT 1",
                        {session_prefix(request.key) + "control"}, until));
  if (rows.size() == 0) return std::string("another session");
  return "a session from " + rows.str(0, 1) + " since " + rows.str(0, 2) + " (process " + rows.str(0, 0) +
         " of the target)";
}

}  // namespace

std::string session_prefix(const std::string& key) {
  return "tributary/" + digest(key).substr(0, 12) + "/";
}

Result<std::string> take_session_lock(Connection& control, const LockRequest& request, const Until& until) {
  if (TRY(try_lock(control, request.key, until))) return std::string();
  TRY(end_superseded(control, request, until));
  return "another engine is at work on replication " + request.key + ": " + TRY(holder(control, request, until));
}

Result<bool> is_session_locked(Connection& session, const std::string& key, const Until& until) {
  return TRY(session.query_row(
                 "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l"
                 " JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()"
                 " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
                 " AND (l.classid::bigint << 32 | l.objid::bigint)"
                 "   = pg_catalog.hashtextextended('_tributary/' || $1, 0))",
                 {key}, until))
      .boolean(0, 0);
}

Result<bool> is_amid_transaction(Connection& session, const std::string& key, const Until& until) {
  return TRY(session.query_row(
                 "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = current_database()"
                 " AND pg_catalog.starts_with(a.application_name, $1)"
                 " AND a.xact_start < pg_catalog.clock_timestamp() - interval '1 second')",
                 {session_prefix(key)}, until))
      .boolean(0, 0);
}

Result<void> end_old_sessions(Connection& control, const std::string& key, const Until& until) {
  const Deadline enough = Deadline::after(time_to_end);
  while (true) {
    const Rows ended =
        TRY(control.query("SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
                          " WHERE a.datname = current_database() AND a.pid <> pg_catalog.pg_backend_pid()"
                          " AND pg_catalog.starts_with(a.application_name, $1) ORDER BY a.pid",
                          {session_prefix(key)}, until));
    if (ended.size() == 0) return {};
    if (enough.passed())
      return Error{Fault::transient,
                   "process " + ended.str(0, 0) + " of the target, a former engine's session, does not end",
                   "look at what it waits for in pg_stat_activity"};
    if (!pause_for(look_again, until.stop)) return Error{Fault::cancelled, "stopped while ending old sessions"};
  }
}

}  // namespace tributary::postgres
