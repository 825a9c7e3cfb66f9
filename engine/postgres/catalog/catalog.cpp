#include "engine/postgres/catalog/catalog.h"

namespace tributary::postgres {
namespace {

constexpr const char* server_query =
    "SELECT current_setting('wal_level'), pg_is_in_recovery(), current_setting('max_replication_slots'),"
    " (SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders'),"
    " (SELECT count(*) FROM pg_stat_replication),"
    // current_setting() raises for a role that may not read a parameter, pg_settings leaves it out.
    " (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'),"
    " extract(epoch FROM pg_postmaster_start_time())::text,"
    " has_function_privilege('pg_control_system()', 'EXECUTE')";

std::uint32_t oid_of(const Rows& rows, int row, int column) {
  return static_cast<std::uint32_t>(rows.integer(row, column));
}

// Columns of pg_database that a major does not have are spelt as what they mean there.
std::string database_query(int major) {
  const std::string provider = major >= 15 ? "d.datlocprovider" : "'c'";
  const std::string locale = major >= 17 ? "d.datlocale" : major >= 15 ? "d.daticulocale" : "NULL::text";
  const std::string recorded = major >= 15 ? "d.datcollversion" : "NULL::text";
  const std::string actual = major >= 15 ? "pg_database_collation_actual_version(d.oid)" : "NULL::text";
  return "SELECT d.oid, d.datname, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), " + provider +
         ", d.datcollate, d.datctype, " + locale + ", " + recorded + ", " + actual +
         ", d.datistemplate, d.datallowconn AND d.datconnlimit <> -2, has_database_privilege(d.oid, 'CONNECT'),"
         " CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')"
         " THEN pg_database_size(d.oid) END FROM pg_database d";
}

Database database_of(const Rows& rows, int row) {
  Database database;
  database.id = oid_of(rows, row, 0);
  database.name = rows.str(row, 1);
  database.owner = rows.str(row, 2);
  database.encoding = rows.str(row, 3);
  const std::string_view provider = rows.text(row, 4);
  database.locale_provider = provider.empty() ? 'c' : provider[0];
  database.collate = rows.str(row, 5);
  database.ctype = rows.str(row, 6);
  database.locale = rows.str(row, 7);
  database.collation_version = rows.str(row, 8);
  database.actual_collation_version = rows.str(row, 9);
  database.is_template = rows.boolean(row, 10);
  database.allows_connections = rows.boolean(row, 11);
  database.may_connect = rows.boolean(row, 12);
  if (!rows.is_null(row, 13)) database.bytes = static_cast<std::uint64_t>(rows.integer(row, 13));
  return database;
}

}  // namespace

Result<Server> read_server(Connection& connection, const Until& until) {
  const Rows rows = TRY(connection.query_row(server_query, {}, until));
  Server server;
  server.version = connection.server_version();
  server.wal_level = rows.str(0, 0);
  server.in_recovery = rows.boolean(0, 1);
  server.max_replication_slots = static_cast<int>(rows.integer(0, 2));
  server.used_replication_slots = static_cast<int>(rows.integer(0, 3));
  server.max_wal_senders = static_cast<int>(rows.integer(0, 4));
  server.used_wal_senders = static_cast<int>(rows.integer(0, 5));
  server.shared_preload_libraries = rows.str(0, 6);
  server.start_time = rows.str(0, 7);
  if (rows.boolean(0, 8)) {
    server.system_identifier =
        TRY(connection.query_row("SELECT system_identifier FROM pg_control_system()", {}, until)).str(0, 0);
  }
  return server;
}

Result<std::vector<Database>> read_databases(Connection& connection, const Until& until) {
  const Rows rows = TRY(connection.query(database_query(connection.major_version()) + " ORDER BY d.datname", until));
  std::vector<Database> databases;
  for (int row = 0; row < rows.size(); ++row) databases.push_back(database_of(rows, row));
  return databases;
}

std::vector<std::string> selectable(const std::vector<Database>& databases) {
  std::vector<std::string> names;
  for (const Database& database : databases)
    if (!database.is_template && database.allows_connections) names.push_back(database.name);
  return names;
}

Result<Database> read_current_database(Connection& connection, const Until& until) {
  const std::string sql = database_query(connection.major_version()) + " WHERE d.datname = current_database()";
  return database_of(TRY(connection.query_row(sql, {}, until)), 0);
}

Result<std::vector<Extension>> read_extensions(Connection& connection, const Until& until) {
  const Rows rows =
      TRY(connection.query("SELECT e.extname, e.extversion, n.nspname FROM pg_extension e"
                           " JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1",
                           until));
  std::vector<Extension> extensions;
  for (int row = 0; row < rows.size(); ++row) {
    extensions.push_back({rows.str(row, 0), rows.str(row, 1), rows.str(row, 2)});
  }
  return extensions;
}

}  // namespace tributary::postgres
