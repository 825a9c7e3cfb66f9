#include "engine/postgres/client/session_settings.h"

#include <gtest/gtest.h>

#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

Until soon() {
  return {Deadline::after(Seconds(20)), {}};
}

class ASession : public ::testing::TestWithParam<int> {
 protected:
  ASession()
      : server_(testbed::server(GetParam())),
        database_(server_.create_database("session")),
        by_tcp_(parse_conninfo(server_.tcp_uri(database_.name(), "postgres", server_.superuser_password)).value()) {}

  static std::string shown(Connection& connection, const std::string& setting) {
    return connection.query_row("SHOW " + setting, {}, soon()).value().str(0, 0);
  }

  testbed::PostgresServer& server_;
  testbed::Database database_;
  Parameters by_tcp_;
};
INSTANTIATE_TEST_SUITE_P(Majors, ASession, ::testing::Values(12, 18));

TEST_P(ASession, lets_the_server_notice_within_a_minute_that_the_engine_is_gone) {
  Connection target = open_target_session(by_tcp_, "tributary/test", "UTF8", soon()).value();
  Connection source = open_source_session(by_tcp_, "test", soon()).value();
  for (Connection* each : {&target, &source}) {
    EXPECT_EQ(shown(*each, "tcp_keepalives_idle"), "20");
    EXPECT_EQ(shown(*each, "tcp_keepalives_interval"), "10");
    EXPECT_EQ(shown(*each, "tcp_keepalives_count"), "3");
    if (GetParam() >= 14) {
      EXPECT_EQ(shown(*each, "client_connection_check_interval"), "5s");
    }
  }
  EXPECT_EQ(shown(target, "tcp_user_timeout"), "45000");
}

TEST_P(ASession, that_reads_may_take_no_more_for_as_long_as_its_writer_waits) {
  server_.exec("postgres", "ALTER DATABASE " + database_.name() + " SET tcp_user_timeout = '10s'");
  Connection source = open_source_session(by_tcp_, "test", soon()).value();
  EXPECT_EQ(shown(source, "tcp_user_timeout"), "0");
}

TEST_P(ASession, needs_neither_tcp_nor_a_procedural_language) {
  database_.exec("DROP EXTENSION plpgsql");
  const Parameters by_socket = parse_conninfo(database_.uri()).value();
  const Result<Connection> target = open_target_session(by_socket, "tributary/test", "UTF8", soon());
  EXPECT_TRUE(target) << target.error().what;
  const Result<Connection> source = open_source_session(by_socket, "test", soon());
  EXPECT_TRUE(source) << source.error().what;
}

}  // namespace
}  // namespace tributary::postgres
