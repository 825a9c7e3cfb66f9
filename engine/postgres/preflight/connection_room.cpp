#include "engine/postgres/preflight/connection_room.h"

#include <algorithm>

namespace tributary::postgres {
namespace {

constexpr int least_streams = 2;
constexpr int most_streams = 8;

// A role that may not see more than its own sessions gets no backend_type of others, but their role and database,
// which background processes do not have. Sessions of a check are not counted: they are gone before a copy begins.
constexpr const char* counts_query =
    "WITH client AS (SELECT usesysid, datid FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()"
    "   AND usesysid IS NOT NULL AND datid IS NOT NULL AND COALESCE(application_name, '') <> 'tributary/preflight'"
    "   AND COALESCE(backend_type, 'client backend') = 'client backend')"
    " SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,"
    "   COALESCE(current_setting('reserved_connections', true)::int, 0), (SELECT count(*) FROM client),"
    "   r.rolsuper, r.rolconnlimit, (SELECT count(*) FROM client WHERE usesysid = r.oid), r.rolname"
    " FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

constexpr const char* databases_query =
    "SELECT d.datname, d.datconnlimit, (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid"
    "   AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL"
    "   AND COALESCE(a.application_name, '') <> 'tributary/preflight'"
    "   AND COALESCE(a.backend_type, 'client backend') = 'client backend')"
    " FROM pg_catalog.pg_database d WHERE d.datconnlimit >= 0";

int number(const Rows& rows, int row, int column) {
  return static_cast<int>(rows.integer(row, column));
}

}  // namespace

Result<ConnectionBounds> read_connection_bounds(Connection& connection, const Until& until) {
  const Rows rows = TRY(connection.query_row(counts_query, {}, until));
  const bool superuser = rows.boolean(0, 4);
  const int reserved = superuser ? 0 : number(rows, 0, 1) + number(rows, 0, 2);
  ConnectionBounds bounds;
  bounds.server.push_back({"max_connections", number(rows, 0, 0) - reserved, number(rows, 0, 3)});
  if (superuser) return bounds;  // no other limit is for superusers
  if (number(rows, 0, 5) >= 0)
    bounds.server.push_back({"the CONNECTION LIMIT of role " + rows.str(0, 7), number(rows, 0, 5), number(rows, 0, 6)});
  const Rows limited = TRY(connection.query(databases_query, until));
  for (int row = 0; row < limited.size(); ++row) {
    const std::string name = limited.str(row, 0);
    bounds.databases[name] = {"the CONNECTION LIMIT of database " + name, number(limited, row, 1),
                              number(limited, row, 2)};
  }
  return bounds;
}

int streams_for(const std::vector<ConnectionDemand>& demands, int wanted) {
  int streams = wanted;
  for (const ConnectionDemand& demand : demands)
    streams = std::min(streams, (demand.bound.left() - demand.beside - demand.comfort) / demand.per_stream);
  return std::max(streams, 1);
}

int streams_of_cores(int cores) {
  return std::clamp(cores, least_streams, most_streams);
}

}  // namespace tributary::postgres
