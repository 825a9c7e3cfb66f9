#include "engine/postgres/session_settings.h"

namespace tributary::postgres {

namespace {

const std::vector<std::string> settings = {"statement_timeout = 0",
                                           "row_security = off",
                                           "lock_timeout = 0",
                                           "idle_in_transaction_session_timeout = 0",
                                           "extra_float_digits = 3",
                                           "DateStyle = ISO",
                                           "IntervalStyle = postgres",
                                           "TimeZone = 'UTC'",
                                           "lc_monetary = 'C'",
                                           "bytea_output = hex",
                                           "array_nulls = on",
                                           "xmloption = content",
                                           "standard_conforming_strings = on",
                                           "transform_null_equals = off",
                                           "search_path = pg_catalog",
                                           "client_min_messages = error",
                                           "default_transaction_isolation = 'read committed'",
                                           "default_transaction_read_only = off",
                                           "default_transaction_deferrable = off"};

// Of 14 and 17; who does not know them has none.
const char* const later_timeouts =
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings "
    "WHERE name IN ('idle_session_timeout', 'transaction_timeout')";

}  // namespace

Result<Connection> open_data_session(const Parameters& parameters, const Until& until) {
  Connection connection = TRY(Connection::open(parameters, settings, until));
  TRY(connection.execute(later_timeouts, until));
  return connection;
}

Result<Connection> open_source_session(Parameters parameters, std::string_view purpose, const Until& until) {
  parameters["application_name"] = "tributary/" + std::string(purpose);
  Connection connection = TRY(open_data_session(parameters, until));
  // Bytes of a database without an encoding are nobody's to convert.
  if (connection.reported("server_encoding") == "SQL_ASCII")
    TRY(connection.execute("SET client_encoding = 'SQL_ASCII'", until));
  return connection;
}

Result<Connection> open_target_session(Parameters parameters, const std::string& application_name,
                                       const std::string& client_encoding, const Until& until) {
  parameters["application_name"] = application_name;
  parameters["client_encoding"] = client_encoding;
  Connection connection = TRY(open_data_session(parameters, until));
  TRY(connection.execute("SET synchronous_commit = off", until));
  for (const char* sql : {"SET session_replication_role = replica", "SET event_triggers = off"}) {
    const Result<void> set = connection.execute(sql, until);
    // Refused to roles without the right, unknown to older servers: then the load fires what is enabled.
    if (!set && connection.sqlstate().empty()) return set.error();
  }
  return connection;
}

}  // namespace tributary::postgres
