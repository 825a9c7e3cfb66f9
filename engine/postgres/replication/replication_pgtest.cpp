#include "engine/postgres/replication/replication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/source_sessions.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;

class AReplicationSession : public ::testing::TestWithParam<int> {
 protected:
  Connection connect() { return replication_session(database_); }

  testbed::PostgresServer& server_ = testbed::server(GetParam());
  testbed::Database database_{server_.create_database("replication")};
};
INSTANTIATE_TEST_SUITE_P(Majors, AReplicationSession, ::testing::Values(13, 15, 17, 18));

TEST_P(AReplicationSession, says_which_system_it_is_of) {
  Connection session = connect();
  const auto identity = identify_system(session, soon());
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->system, database_.scalar("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(identity->timeline, 1);
  EXPECT_LE(identity->end, model::parse_lsn(database_.scalar("SELECT pg_current_wal_flush_lsn()")).value());
  EXPECT_GT(identity->end, model::Lsn{});
  EXPECT_TRUE(read_timeline_history(session, identity->timeline, soon())->empty());
}

TEST_P(AReplicationSession, has_the_settings_of_a_copy) {
  Connection session = connect();
  const auto shown = [&](const std::string& name) {
    return session.command("SELECT pg_catalog.current_setting('" + name + "')", soon())->str(0, 0);
  };
  EXPECT_EQ(shown("DateStyle"), "ISO, MDY");
  EXPECT_EQ(shown("TimeZone"), "UTC");
  EXPECT_EQ(shown("extra_float_digits"), "3");
  EXPECT_EQ(shown("client_encoding"), "UTF8");
  EXPECT_EQ(shown("idle_in_transaction_session_timeout"), "0");
}

TEST_P(AReplicationSession, waits_for_a_slow_answer_in_steps) {
  Connection session = connect();
  {
    Running running = session.begin("SELECT pg_sleep(100)", soon()).value();
    const auto nothing = running.wait(Milliseconds(20), soon());
    ASSERT_TRUE(nothing) << nothing.error().what;
    EXPECT_FALSE(*nothing);
  }
  ASSERT_TRUE(session.usable());
  Running running = session.begin("SELECT 7", soon()).value();
  const auto rows = running.wait(Seconds(20), soon());
  ASSERT_TRUE(rows && *rows);
  EXPECT_EQ((*rows)->integer(0, 0), 7);
}

TEST_P(AReplicationSession, tells_the_servers_refusal_and_stays_usable) {
  Connection session = connect();
  const auto refused = start_replication(session, {"no_such_slot", {"p"}, {}}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(session.sqlstate(), "42704");
  EXPECT_THAT(refused.error().what, HasSubstr("no_such_slot"));
  EXPECT_TRUE(session.usable());
  EXPECT_TRUE(identify_system(session, soon()));
}

TEST_P(AReplicationSession, carries_messages_both_ways_until_its_stream_is_left) {
  database_.exec("SELECT pg_create_logical_replication_slot('both_ways', 'pgoutput')");
  {
    Connection session = connect();
    CopyBoth copy = start_replication(session, {"both_ways", {"p"}, {}}, soon()).value();
    std::string ask = "r" + std::string(32, '\0') + "\1";
    ASSERT_TRUE(copy.send(std::as_bytes(std::span(ask.data(), ask.size()))).value());
    const auto answer = copy.next(Seconds(20), soon());
    ASSERT_TRUE(answer) << answer.error().what;
    ASSERT_TRUE(*answer);
    EXPECT_EQ(static_cast<char>((**answer)[0]), 'k');
  }
  testbed::Session watcher(database_.uri());
  while (watcher.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = 'both_ways'") == "t") {
  }
  watcher.exec("SELECT pg_drop_replication_slot('both_ways')");
}

TEST_P(AReplicationSession, a_stream_whose_session_is_ended_is_transient) {
  database_.exec("SELECT pg_create_logical_replication_slot('ended', 'pgoutput')");
  Connection session = connect();
  {
    CopyBoth copy = start_replication(session, {"ended", {"p"}, {}}, soon()).value();
    database_.exec("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'ended'");
    Result<std::optional<std::span<const std::byte>>> last = copy.next(Seconds(1), soon());
    while (last) last = copy.next(Seconds(1), soon());
    EXPECT_EQ(last.error().fault, Fault::transient) << last.error().what;
  }
  EXPECT_FALSE(session.usable());
  testbed::Session watcher(database_.uri());
  while (watcher.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = 'ended'") == "t") {
  }
  watcher.exec("SELECT pg_drop_replication_slot('ended')");
}

}  // namespace
}  // namespace tributary::postgres
