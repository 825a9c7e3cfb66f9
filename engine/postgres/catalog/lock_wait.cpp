#include "engine/postgres/catalog/lock_wait.h"

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/session_settings.h"

namespace tributary::postgres {
namespace {

// Of a lock "l", the index "i" that it may be on, and the activity "a" of its session.
const std::string table_and_session =
    "pg_catalog.format('%s (process %s, %s, transaction since %s, application %s)',"
    " coalesce(i.indrelid, l.relation)::regclass, a.pid, coalesce(a.usename, a.backend_type), "
    "coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), 'unknown'),"
    " quote_literal(a.application_name))";

// No other lock is in the way of reading, on a table or on an index of it. Who has it comes before who waits for it.
const std::string rivals_query =
    "SELECT l.granted, " + table_and_session +
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)"
    " JOIN pg_catalog.pg_class c ON c.oid = l.relation LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    " WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND c.relpersistence <> 't'"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND ($1::oid[] = '{}' OR coalesce(i.indrelid, c.oid) = ANY ($1::oid[]))"
    " ORDER BY l.granted DESC, a.xact_start LIMIT 1";

const std::string of_a_snapshot = "IN ('tributary/coordinator', 'tributary/reader', 'tributary/objects')";

// Those for whom it would be enough that the sessions of a snapshot let go, and behind whom others wait. Readers keep
// the indexes of a table locked, too: with a REINDEX that waits for them nobody writes to the table.
const std::string waiters_query =
    "SELECT " + table_and_session +
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)"
    " LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation"
    " WHERE l.locktype = 'relation' AND NOT l.granted"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND pg_catalog.cardinality(pg_catalog.pg_blocking_pids(l.pid)) > 0 AND NOT EXISTS ("
    "SELECT FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) AS b (pid)"
    " LEFT JOIN pg_catalog.pg_stat_activity o ON o.pid = b.pid WHERE (coalesce(o.application_name, '') " +
    of_a_snapshot +
    ") IS NOT TRUE) AND EXISTS ("
    "SELECT FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_stat_activity behind USING (pid) WHERE NOT w.granted"
    " AND a.pid = ANY (pg_catalog.pg_blocking_pids(w.pid)) AND (behind.application_name " +
    of_a_snapshot + ") IS NOT TRUE)";

const char* const let_through = "it is let through now; alter tables before or after a copy, or leave that table out";

Result<Rows> rivals(const std::function<Result<Parameters>()>& connect, const std::vector<std::uint32_t>& tables,
                    const Until& until) {
  const Parameters parameters = TRY(connect());
  Connection connection = TRY(open_source_session(parameters, "lookout", until));
  std::vector<std::string> ids;
  for (const std::uint32_t table : tables) ids.push_back(std::to_string(table));
  return connection.query(rivals_query, {array_literal(ids)}, until);
}

}  // namespace

Error blocked_by(const std::function<Result<Parameters>()>& connect, const std::vector<std::uint32_t>& tables,
                 const Error& error, const Until& until) {
  const Result<Rows> found = rivals(connect, tables, until);
  const bool holds = found && found->size() == 1 && found->boolean(0, 0);
  const std::string table = found && found->size() == 1 ? ": table " + found->str(0, 1) : "";
  if (holds)
    return {Fault::transient, "waited too long for a lock that another session holds" + table,
            "end that session or run again when it is done"};
  if (!table.empty())
    return {Fault::transient, "waited too long behind another session that waits for an exclusive lock" + table,
            let_through};
  return {Fault::transient, "another session was in the way: " + error.what, "run again when it is done"};
}

Result<void> Waiters::look(Connection& connection, Milliseconds patience, const Until& until) {
  // Inside a transaction, who is active is otherwise looked up but once.
  TRY(connection.query("SELECT pg_catalog.pg_stat_clear_snapshot()", until));
  const Rows waiting = TRY(connection.query(waiters_query, until));
  const SteadyTime now = SteadyClock::now();
  std::map<std::string, SteadyTime> since;
  for (int row = 0; row < waiting.size(); ++row) {
    const std::string who = waiting.str(row, 0);
    const auto seen = since_.find(who);
    since[who] = seen == since_.end() ? now : seen->second;
    if (now - since[who] > patience)
      return Error{Fault::transient, "another session has waited too long for this copy: table " + who, let_through};
  }
  since_ = std::move(since);
  return {};
}

}  // namespace tributary::postgres
