#include "engine/postgres/replication/slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/source_sessions.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ASlot : public ::testing::TestWithParam<int> {
 protected:
  ~ASlot() override {
    testbed::wait_until("the slot is dropped", [&] {
      testbed::Session session(server_.uri("postgres"));
      session.sqlstate("SELECT pg_drop_replication_slot('" + name_ + "')");
      return slots() == "0";
    });
  }
  std::string slots() {
    return database_.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + name_ + "'");
  }
  SlotRequest request(Milliseconds limit = Seconds(60)) const { return {name_, false, limit}; }

  testbed::PostgresServer& server_ = testbed::server(GetParam());
  testbed::Database database_{server_.create_database("Slo ts")};
  const std::string name_ = stream_object_name("ns/test", database_.name());
  Connection source_ = ordinary_session(database_);
};
INSTANTIATE_TEST_SUITE_P(Majors, ASlot, ::testing::Values(13, 15, 17, 18));

TEST_P(ASlot, is_made_with_a_snapshot_of_exactly_its_position) {
  database_.exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  Connection session = replication_session(database_);
  const auto made = create_slot(session, source_, request(), soon());
  ASSERT_TRUE(made) << made.error().what;
  database_.exec("INSERT INTO t VALUES (2)");
  testbed::Session reader(database_.uri());
  reader.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '" + made->snapshot + "'");
  EXPECT_EQ(reader.scalar("SELECT count(*) FROM t"), "1");
  const auto state = read_slot(source_, name_, soon());
  ASSERT_TRUE(state && *state);
  EXPECT_EQ((*state)->plugin, "pgoutput");
  EXPECT_EQ((*state)->database, database_.name());
  EXPECT_EQ((*state)->confirmed_flush, made->position);
  EXPECT_GT((*state)->restart, model::Lsn{});
  EXPECT_EQ((*state)->wal_status, "reserved");
  EXPECT_EQ((*state)->invalidation_reason, "");
  EXPECT_FALSE((*state)->safe_wal_size);
  EXPECT_EQ((*state)->active_pid, 0);
  EXPECT_GT((*state)->retained, 0u);
}

TEST_P(ASlot, that_is_temporary_goes_with_its_session) {
  {
    Connection session = replication_session(database_);
    SlotRequest temporary = request();
    temporary.temporary = true;
    ASSERT_TRUE(create_slot(session, source_, temporary, soon()));
    EXPECT_EQ(slots(), "1");
  }
  testbed::wait_until("it is gone", [&] { return slots() == "0"; });
}

TEST_P(ASlot, that_exists_already_is_not_touched) {
  Connection session = replication_session(database_);
  ASSERT_TRUE(create_slot(session, source_, request(), soon()));
  const auto again = create_slot(session, source_, request(), soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::conflict);
  EXPECT_EQ(slots(), "1");
}

TEST_P(ASlot, that_waits_for_writers_is_given_up_and_names_them) {
  database_.exec("CREATE TABLE t (id int)");
  testbed::Session writer(database_.uri() + "&application_name=O%27Nightly");
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  testbed::Session preparer(database_.uri());
  const std::string gid = "it''s " + name_;
  preparer.exec("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION '" + gid + "'");
  testbed::Session reader(database_.uri());
  reader.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t");
  Connection session = replication_session(database_);
  const auto made = create_slot(session, source_, request(Milliseconds(700)), soon());
  preparer.exec("ROLLBACK PREPARED '" + gid + "'");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().fault, Fault::transient);
  EXPECT_THAT(made.error().what,
              AllOf(HasSubstr("process " + writer.scalar("SELECT pg_backend_pid()") + " (postgres"),
                    HasSubstr("application 'O''Nightly'"), HasSubstr("prepared transaction '" + gid + "'"),
                    Not(HasSubstr("process " + reader.scalar("SELECT pg_backend_pid()") + " "))));
  EXPECT_EQ(slots(), "0");
  EXPECT_TRUE(session.usable());
  writer.exec("ROLLBACK");
  EXPECT_TRUE(create_slot(session, source_, request(), soon()));
}

// Nobody's session ends a prepared transaction: it is named before all others, and so is what ends it.
TEST_P(ASlot, that_waits_for_a_prepared_transaction_says_how_to_end_it) {
  database_.exec("CREATE TABLE t (id int)");
  std::vector<std::unique_ptr<testbed::Session>> writers;
  for (int i = 0; i < 6; ++i) {
    writers.push_back(std::make_unique<testbed::Session>(database_.uri()));
    writers.back()->exec("BEGIN; INSERT INTO t VALUES (1)");
  }
  testbed::Session preparer(database_.uri());
  const std::string gid = "it''s " + name_;
  preparer.exec("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION '" + gid + "'");
  Connection session = replication_session(database_);
  const auto mixed = create_slot(session, source_, request(Milliseconds(700)), soon());
  writers.clear();
  const auto alone = create_slot(session, source_, request(Milliseconds(700)), soon());
  preparer.exec("ROLLBACK PREPARED '" + gid + "'");
  const std::string remedy = "in database " + database_.name() + " of the source run COMMIT PREPARED '" + gid +
                             "' or ROLLBACK PREPARED '" + gid + "'";
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().what, HasSubstr("prepared transaction '" + gid + "'"));
  EXPECT_THAT(mixed.error().hint, AllOf(HasSubstr(remedy), HasSubstr("end the others")));
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().hint, AllOf(HasSubstr(remedy), Not(HasSubstr("others"))));
  EXPECT_TRUE(create_slot(session, source_, request(), soon()));
}

TEST_P(ASlot, that_is_stopped_while_it_waits_leaves_nothing) {
  database_.exec("CREATE TABLE t (id int)");
  testbed::Session writer(database_.uri());
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  std::stop_source stop;
  std::jthread stopper([&] {
    testbed::Session watcher(server_.uri("postgres"));
    while (watcher.scalar("SELECT count(*) FROM pg_locks l JOIN pg_replication_slots s ON s.active_pid = l.pid"
                          " WHERE s.slot_name = '" +
                          name_ + "' AND NOT l.granted") == "0") {
    }
    stop.request_stop();
  });
  Connection session = replication_session(database_);
  const auto made = create_slot(session, source_, request(), {Deadline::never(), stop.get_token()});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().fault, Fault::cancelled);
  EXPECT_EQ(slots(), "0");
}

// The server goes on with a slot whose asker is gone, and keeps it.
TEST_P(ASlot, whose_session_dies_while_it_waits_leaves_nothing) {
  database_.exec("CREATE TABLE t (id int)");
  testbed::Session writer(database_.uri());
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  Connection session = replication_session(database_);
  const int pid = session.told_backend();
  std::jthread killer([&] {
    testbed::Session watcher(server_.uri("postgres"));
    while (watcher.scalar("SELECT count(*) FROM pg_locks WHERE pid = " + std::to_string(pid) + " AND NOT granted") ==
           "0") {
    }
    watcher.exec("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
  });
  const auto made = create_slot(session, source_, request(), soon());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().fault, Fault::transient);
  EXPECT_EQ(slots(), "0");
}

TEST_P(ASlot, is_dropped_and_that_there_is_none_is_no_failure) {
  Connection session = replication_session(database_);
  ASSERT_TRUE(create_slot(session, source_, request(), soon()));
  ASSERT_TRUE(drop_slot(source_, name_, Seconds(10), soon()));
  EXPECT_EQ(slots(), "0");
  EXPECT_TRUE(drop_slot(source_, name_, Seconds(10), soon()));
}

TEST_P(ASlot, that_somebody_uses_is_waited_for_and_then_he_is_named) {
  Connection session = replication_session(database_);
  ASSERT_TRUE(create_slot(session, source_, request(), soon()));
  std::optional<CopyBoth> copy(
      session
          .copy_both("START_REPLICATION SLOT \"" + name_ + "\" LOGICAL 0/0 (proto_version '1', publication_names 'p')",
                     soon())
          .value());
  const auto refused = drop_slot(source_, name_, Milliseconds(200), soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::transient);
  EXPECT_THAT(refused.error().what, HasSubstr("process " + std::to_string(session.told_backend())));
  std::jthread leaver([&] {
    copy.reset();
    session = ordinary_session(database_);
  });
  EXPECT_TRUE(drop_slot(source_, name_, Seconds(60), soon()));
}

}  // namespace
}  // namespace tributary::postgres
