#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Foreign keys of tables that came after the copy, to tables that somebody keeps or that have many rows.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using testbed::wait_until;

constexpr Milliseconds often{50};

TEST(ANewTable, has_its_foreign_key_when_the_table_that_it_refers_to_is_free) {
  StreamPair pair("late_key", 15, 18);
  pair.source.exec("CREATE TABLE above (id int PRIMARY KEY); INSERT INTO above VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  testbed::Session writer(pair.target.uri());
  writer.exec("BEGIN; LOCK TABLE above IN ROW EXCLUSIVE MODE");
  pair.source.exec(
      "CREATE TABLE below (id int PRIMARY KEY, above int REFERENCES above); INSERT INTO below VALUES (1, 1)");
  wait_until("it is followed", [&] { return testbed::state_of(pair, "below") == "followed"; });
  pair.wait_until_applied();
  const std::string keys = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'below'::regclass AND contype = 'f'";
  EXPECT_EQ(pair.target.scalar(keys), "0");
  writer.exec("COMMIT");
  wait_until("it has its key", [&] { return pair.target.scalar(keys + " AND convalidated") == "1"; });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

// So many rows that nobody looks through them in the time that the stream has for it.
TEST(ANewTable, has_its_foreign_key_unvalidated_where_its_rows_are_many) {
  StreamPair pair("late_key_long", 15, 18);
  pair.source.exec("CREATE TABLE above (id int PRIMARY KEY); INSERT INTO above SELECT generate_series(1, 300000)");
  ASSERT_TRUE(done(pair.init()));
  testbed::Session writer(pair.target.uri());
  writer.exec("BEGIN; LOCK TABLE above IN ROW EXCLUSIVE MODE");
  Following following(pair.spec(api::Mode::sync), Milliseconds{1});
  pair.source.exec(
      "CREATE TABLE below (id int PRIMARY KEY, above int REFERENCES above); INSERT INTO below SELECT i, i FROM"
      " generate_series(1, 300000) i");
  wait_until("it is followed", [&] { return testbed::state_of(pair, "below") == "followed"; });
  writer.exec("COMMIT");
  wait_until("nothing is late", [&] { return pair.target.scalar("SELECT count(*) FROM _tributary.late_key") == "0"; });
  EXPECT_EQ(pair.target.scalar("SELECT NOT convalidated FROM pg_constraint WHERE conrelid = 'below'::regclass AND"
                               " contype = 'f'"),
            "t");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(ANewTable, has_its_foreign_key_though_the_engine_was_started_anew_before_it_could_come) {
  StreamPair pair("late_key_anew", 15, 18);
  pair.source.exec("CREATE TABLE above (id int PRIMARY KEY); INSERT INTO above VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  testbed::Session writer(pair.target.uri());
  writer.exec("BEGIN; LOCK TABLE above IN ROW EXCLUSIVE MODE");
  {
    Following following(pair.spec(api::Mode::sync), often);
    pair.source.exec(
        "CREATE TABLE below (id int PRIMARY KEY, above int REFERENCES above); INSERT INTO below VALUES (1, 1)");
    wait_until("it is followed", [&] { return testbed::state_of(pair, "below") == "followed"; });
    EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  }
  pair.source.exec("ALTER TABLE below RENAME TO under");
  writer.exec("COMMIT");
  Following following(pair.spec(api::Mode::sync), often);
  wait_until("it has its key", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM pg_constraint WHERE conrelid = to_regclass('under')"
               " AND contype = 'f'") == "1";
  });
  wait_until("the ledger does not wait for it any more",
             [&] { return pair.target.scalar("SELECT count(*) FROM _tributary.late_key") == "0"; });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

}  // namespace
}  // namespace tributary::postgres::sync
