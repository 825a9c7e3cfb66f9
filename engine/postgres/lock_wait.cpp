#include "engine/postgres/lock_wait.h"

#include "engine/postgres/array_literal.h"
#include "engine/postgres/session_settings.h"

namespace tributary::postgres {
namespace {

// No other lock is in the way of reading, on a table or on an index of it. Who has it comes before who waits for it.
const char* const rivals_query =
    "SELECT l.granted, pg_catalog.format('%s (process %s, %s, transaction since %s, application %s)',"
    " l.relation::regclass, a.pid, coalesce(a.usename, a.backend_type),"
    " coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), 'unknown'), quote_literal(a.application_name))"
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)"
    " JOIN pg_catalog.pg_class c ON c.oid = l.relation LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    " WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND c.relpersistence <> 't'"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND ($1::oid[] = '{}' OR coalesce(i.indrelid, c.oid) = ANY ($1::oid[]))"
    " ORDER BY l.granted DESC, a.xact_start LIMIT 1";

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
            "it is let through now; alter tables before or after a copy, or leave that table out"};
  return {Fault::transient, "another session was in the way: " + error.what, "run again when it is done"};
}

}  // namespace tributary::postgres
