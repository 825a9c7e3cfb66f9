#include "engine/postgres/client/session_settings.h"

#include <initializer_list>
#include <utility>

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
                                           "quote_all_identifiers = off",
                                           "search_path = pg_catalog",
                                           "client_min_messages = error",
                                           "default_transaction_isolation = 'read committed'",
                                           "default_transaction_read_only = off",
                                           "default_transaction_deferrable = off"};

// Of 14 and 17; who does not know them has none.
const char* const later_timeouts =
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings "
    "WHERE name IN ('idle_session_timeout', 'transaction_timeout')";

// The server's machine gives a client up whose machine is gone after 50 seconds without a word of it.
const char* const keepalives =
    "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";
// And the server then a statement that runs for it, or waits for a lock with those it has. Of 14; servers on some
// platforms take no value but 0.
const char* const look_for_the_client = "SET client_connection_check_interval = '5s'";

// What the server must have acknowledged of its answers. It counts a client that takes no more as gone (see
// connection_state.cpp), as a reader does while its writer waits: never where rows are read.
const char* const unless_acknowledged = "SET tcp_user_timeout = '45s'";
const char* const however_long = "SET tcp_user_timeout = 0";

// Servers do without what they refuse or do not know.
Result<void> ask_for(Connection& connection, std::initializer_list<const char*> statements, const Until& until) {
  for (const char* sql : statements) {
    const Result<void> set = connection.execute(sql, until);
    if (!set && connection.sqlstate().empty()) return set.error();
  }
  return {};
}

// What both ends set. `acknowledgement` is one of the two above.
Result<Connection> open_session(const Parameters& parameters, const char* acknowledgement, const Until& until) {
  Connection connection = TRY(Connection::open(parameters, settings, until));
  TRY(connection.execute(later_timeouts, until));
  TRY(ask_for(connection, {keepalives, acknowledgement, look_for_the_client}, until));
  return connection;
}

}  // namespace

Result<Connection> open_data_session(const Parameters& parameters, const Until& until) {
  return open_session(parameters, unless_acknowledged, until);
}

Result<Connection> open_source_session(Parameters parameters, std::string_view purpose, const Until& until) {
  parameters["application_name"] = "tributary/" + std::string(purpose);
  Connection connection = TRY(open_session(parameters, however_long, until));
  // Bytes of a database without an encoding are nobody's to convert.
  if (connection.reported("server_encoding") == "SQL_ASCII")
    TRY(connection.execute("SET client_encoding = 'SQL_ASCII'", until));
  return connection;
}

Result<Connection> open_replication_session(Parameters parameters, std::string_view purpose, const Until& until) {
  parameters["replication"] = "database";
  return open_source_session(std::move(parameters), purpose, until);
}

// Refused to roles without the right.
Result<void> ask_to_be_replica(Connection& connection, const Until& until) {
  return ask_for(connection, {"SET session_replication_role = replica"}, until);
}

Result<Connection> open_target_session(Parameters parameters, const std::string& application_name,
                                       const std::string& client_encoding, const Until& until) {
  parameters["application_name"] = application_name;
  parameters["client_encoding"] = client_encoding;
  Connection connection = TRY(open_data_session(parameters, until));
  TRY(connection.execute("SET synchronous_commit = off", until));
  // Refused to roles without the right, unknown to older servers.
  TRY(ask_to_be_replica(connection, until));
  TRY(ask_for(connection, {"SET event_triggers = off"}, until));
  return connection;
}

}  // namespace tributary::postgres
