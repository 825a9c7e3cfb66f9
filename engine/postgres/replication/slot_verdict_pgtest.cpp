#include "engine/postgres/replication/slot_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/source_sessions.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;

// A slot on a server of its own, and a ledger that agrees with it.
class AVerdictOfALiveSource : public ::testing::TestWithParam<int> {
 protected:
  AVerdictOfALiveSource() {
    database_.exec("CREATE TABLE t (id int, filler text)");
    Connection session = replication_session(database_);
    const auto made = create_slot(session, source_, {"a_slot"}, soon());
    EXPECT_TRUE(made) << made.error().what;
    ledger_ = {"a_slot", database_.name(), identify_system(session, soon())->system, 1, made->position};
  }
  Result<void> verdict() {
    Connection session = replication_session(database_);
    SourceMark mark;
    mark.system = identify_system(session, soon()).value();
    mark.history = read_timeline_history(session, mark.system.timeline, soon()).value();
    mark.slot = read_slot(source_, "a_slot", soon()).value();
    return judge(ledger_, mark);
  }
  void expect_lost(const std::string& words) {
    const Result<void> given = verdict();
    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().fault, Fault::lost);
    EXPECT_THAT(given.error().what, HasSubstr(words));
  }

  testbed::PostgresServer server_{GetParam(), testbed::Flavour::logical, 8};
  testbed::Database database_{server_.create_database("verdict")};
  Connection source_ = ordinary_session(database_);
  LedgerMark ledger_;
};
INSTANTIATE_TEST_SUITE_P(Majors, AVerdictOfALiveSource, ::testing::Values(13, 15, 17, 18));

TEST_P(AVerdictOfALiveSource, lets_a_stream_go_on_that_nothing_has_happened_to) {
  EXPECT_TRUE(verdict());
  database_.exec("INSERT INTO t VALUES (1)");
  EXPECT_TRUE(verdict());
}

TEST_P(AVerdictOfALiveSource, sees_a_slot_that_is_gone) {
  database_.exec("SELECT pg_drop_replication_slot('a_slot')");
  expect_lost("a_slot does not exist");
}

TEST_P(AVerdictOfALiveSource, sees_a_slot_that_was_invalidated_for_its_wal) {
  database_.exec("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
  database_.exec("SELECT pg_reload_conf()");
  testbed::wait_until("the slot is invalidated", [&] {
    database_.exec("INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i");
    database_.exec("SELECT pg_switch_wal()");
    database_.exec("CHECKPOINT");
    return database_.scalar("SELECT wal_status FROM pg_replication_slots") == "lost";
  });
  expect_lost("removed WAL");
}

TEST_P(AVerdictOfALiveSource, sees_a_slot_that_was_confirmed_beyond_the_ledger) {
  database_.exec("INSERT INTO t VALUES (1)");
  database_.exec("SELECT pg_replication_slot_advance('a_slot', pg_current_wal_flush_lsn())");
  expect_lost("has been confirmed up to");
}

TEST_P(AVerdictOfALiveSource, sees_a_log_that_ends_below_the_ledger) {
  ledger_.applied.value += 1ull << 32;
  expect_lost("the source's log ends at");
}

TEST_P(AVerdictOfALiveSource, sees_another_system) {
  ledger_.system += "1";
  expect_lost("is another system");
}

TEST_P(AVerdictOfALiveSource, waits_for_a_session_that_still_streams) {
  Connection other = replication_session(database_);
  const CopyBoth copy = start_replication(other, {"a_slot", {"p"}, {}}, soon()).value();
  const Result<void> given = verdict();
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().fault, Fault::transient);
  EXPECT_THAT(given.error().what, HasSubstr("process " + std::to_string(other.told_backend())));
}

}  // namespace
}  // namespace tributary::postgres
