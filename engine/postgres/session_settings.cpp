#include "engine/postgres/session_settings.h"

namespace tributary::postgres {

std::vector<std::string> data_settings() {
  return {"statement_timeout = 0",
          "row_security = off",
          "lock_timeout = 0",
          "idle_in_transaction_session_timeout = 0",
          "extra_float_digits = 3",
          "DateStyle = ISO",
          "IntervalStyle = postgres",
          "TimeZone = 'UTC'",
          "bytea_output = hex",
          "search_path = pg_catalog",
          "client_min_messages = error",
          "default_transaction_isolation = 'read committed'",
          "default_transaction_read_only = off",
          "default_transaction_deferrable = off"};
}

Result<Connection> open_source_session(Parameters parameters, std::string_view purpose, const Until& until) {
  parameters["application_name"] = "tributary/" + std::string(purpose);
  Connection connection = TRY(Connection::open(parameters, data_settings(), until));
  // Bytes of a database without an encoding are nobody's to convert.
  if (connection.reported("server_encoding") == "SQL_ASCII")
    TRY(connection.execute("SET client_encoding = 'SQL_ASCII'", until));
  return connection;
}

Result<Connection> open_target_session(Parameters parameters, const std::string& application_name,
                                       const std::string& client_encoding, const Until& until) {
  parameters["application_name"] = application_name;
  parameters["client_encoding"] = client_encoding;
  std::vector<std::string> settings = data_settings();
  settings.push_back("synchronous_commit = off");
  Connection connection = TRY(Connection::open(parameters, settings, until));
  for (const char* sql : {"SET session_replication_role = replica", "SET event_triggers = off"}) {
    const Result<void> set = connection.execute(sql, until);
    // Refused to roles without the right, unknown to older servers: then the load fires what is enabled.
    if (!set && connection.sqlstate().empty()) return set.error();
  }
  return connection;
}

}  // namespace tributary::postgres
