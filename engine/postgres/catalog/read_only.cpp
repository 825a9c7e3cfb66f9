#include "engine/postgres/catalog/read_only.h"

namespace tributary::postgres {

Result<std::string> read_only_by(Connection& connection, const Until& until) {
  // What a RESET would bring back, and the first of the settings that a session begins with, as process_settings() in
  // src/backend/utils/init/postinit.c ranks them.
  const char* const query =
      "SELECT reset_val = 'on', coalesce((SELECT concat_ws(' in ', CASE WHEN d.setrole <> 0 THEN 'role ' || "
      "session_user"
      " END, CASE WHEN d.setdatabase <> 0 THEN 'database ' || current_database() END) FROM pg_db_role_setting d"
      " WHERE d.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))"
      " AND d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
      " AND EXISTS (SELECT FROM unnest(d.setconfig) c WHERE c LIKE 'default\\_transaction\\_read\\_only=%')"
      " ORDER BY d.setrole <> 0 DESC, d.setdatabase <> 0 DESC LIMIT 1), 'the server or the connection string')"
      " FROM pg_settings WHERE name = 'default_transaction_read_only'";
  const Rows row = TRY(connection.query_row(query, {}, until));
  return row.boolean(0, 0) ? row.str(0, 1) : std::string();
}

}  // namespace tributary::postgres
