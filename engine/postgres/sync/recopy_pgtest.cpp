#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Tables that are copied again between live servers, while the others are followed and everybody writes.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::ask_for;
using testbed::done;
using testbed::Following;
using testbed::reason_of;
using testbed::same_content;
using testbed::state_of;
using testbed::StreamPair;
using testbed::wait_until_back;

// Commits small transactions on the source until it goes.
class Writer {
 public:
  Writer(const testbed::Database& source, std::vector<std::string> statements)
      : thread_([uri = source.uri(), statements = std::move(statements)](const std::stop_token& stop) {
          testbed::Session session(uri);
          for (std::size_t turn = 0; !stop.stop_requested(); ++turn) session.exec(statements[turn % statements.size()]);
        }) {}

 private:
  std::jthread thread_;
};

void expect_no_other_slot(const StreamPair& pair) {
  testbed::wait_until("no slot but the stream's own is left", [&] { return pair.slots() == "1"; });
}

class ARecopyOfEveryVersion : public ::testing::TestWithParam<std::pair<int, int>> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, ARecopyOfEveryVersion,
                         ::testing::Values(std::pair{13, 15}, std::pair{15, 18}, std::pair{17, 17}, std::pair{18, 18}),
                         [](const auto& each) {
                           return std::to_string(each.param.first) + "_to_" + std::to_string(each.param.second);
                         });

TEST_P(ARecopyOfEveryVersion, replaces_a_table_under_writers_and_takes_it_back) {
  StreamPair pair("recopied", GetParam().first, GetParam().second);
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, word text);"
      "INSERT INTO t SELECT i, 0, repeat('x', 100) FROM generate_series(1, 20000) i;"
      "CREATE TABLE other (id int PRIMARY KEY, n int); INSERT INTO other VALUES (1, 0)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  std::atomic<bool> over{false};
  std::atomic<int> looks{0};
  std::atomic<int> bad_looks{0};
  std::jthread reader([&] {
    testbed::Session session(pair.target.uri());
    while (!over) {
      ++looks;
      if (session.scalar("SELECT count(*) >= 20000 FROM t") != "t") ++bad_looks;
    }
  });
  {
    const Writer writer(pair.source, {"UPDATE t SET n = n + 1 WHERE id % 1000 = 1", "UPDATE other SET n = n + 1",
                                      "INSERT INTO t SELECT max(id) + 1, 1, 'new' FROM t",
                                      "UPDATE t SET id = -id WHERE id = -7 OR id = 7",
                                      "BEGIN; DELETE FROM t WHERE id = 9; INSERT INTO t VALUES (9, 9, NULL); COMMIT"});
    pair.target.exec(
        "UPDATE t SET word = 'differs' WHERE id % 2 = 0; INSERT INTO t VALUES (-1000, 0, 'nobody sent this')");
    for (int round = 0; round < 2; ++round) {
      ask_for(pair, "t");
      wait_until_back(pair, "t");
    }
    pair.wait_until_applied();
  }
  over = true;
  reader.join();
  pair.wait_until_applied();
  EXPECT_GT(looks, 0);
  EXPECT_EQ(bad_looks, 0) << "of " << looks << " readers saw it empty or half full";
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  expect_no_other_slot(pair);
}

TEST(ARecopy, brings_a_stopped_table_back) {
  StreamPair pair("stopped", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  pair.target.exec("DELETE FROM t WHERE id = 1");
  pair.source.exec("UPDATE t SET n = 7 WHERE id = 1");
  wait_until_back(pair, "t", "stopped");
  const auto aside = [&] { return following.stream(pair.source.name()).aside.value_or(api::TablesAside{}); };
  testbed::wait_until("it is told of by name", [&] { return aside().stopped == 1; });
  EXPECT_EQ(aside().tables.at(0).name, "public.t");
  EXPECT_EQ(aside().tables.at(0).state, "stopped");
  EXPECT_NE(aside().tables.at(0).reason, "");
  pair.source.exec("UPDATE t SET n = 8 WHERE id = 1; INSERT INTO t VALUES (3, 3)");
  ask_for(pair, "t");
  wait_until_back(pair, "t");
  testbed::wait_until("it is not told of any more", [&] { return aside() == api::TablesAside{}; });
  pair.source.exec("DELETE FROM t WHERE id = 2");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_EQ(pair.target.scalar("SELECT reason FROM _tributary.table_state WHERE table_name = 't'"), "");
}

TEST(ARecopy, refreshes_a_table_that_is_not_streamed) {
  StreamPair pair("keyless", 15, 18);
  pair.source.exec("CREATE TABLE keyless (n int); INSERT INTO keyless VALUES (1), (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec("UPDATE keyless SET n = 2; INSERT INTO keyless VALUES (3)");
  ask_for(pair, "keyless");
  wait_until_back(pair, "keyless", "not_streamed");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_NE(pair.target.scalar("SELECT reason FROM _tributary.table_state WHERE table_name = 'keyless'"), "asked for");
  pair.source.exec("UPDATE keyless SET n = 4");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  expect_no_other_slot(pair);
}

TEST(ARecopy, leaves_what_an_extension_has_put_into_its_table) {
  StreamPair pair("configured", 15, 18);
  pair.source.exec("CREATE TABLE conf (n int); INSERT INTO conf VALUES (1), (200)");
  ASSERT_TRUE(done(pair.init()));
  for (const testbed::Database* each : {&pair.source, &pair.target})
    each->exec(
        "CREATE EXTENSION citext; ALTER EXTENSION citext ADD TABLE conf; UPDATE pg_extension SET extconfig ="
        " ARRAY['conf'::regclass], extcondition = ARRAY['WHERE n > 100'] WHERE extname = 'citext'");
  pair.source.exec("INSERT INTO conf VALUES (300)");
  Following following(pair.spec(api::Mode::sync));
  ask_for(pair, "conf");
  wait_until_back(pair, "conf", "not_streamed");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(n::text, ' ' ORDER BY n) FROM conf"), "1 200 300");
}

TEST(ARecopy, begins_to_stream_a_table_that_has_got_a_key) {
  StreamPair pair("keyed", 15, 18);
  pair.source.exec("CREATE TABLE t (n int NOT NULL); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE t ADD PRIMARY KEY (n)");
  pair.target.exec("ALTER TABLE t ADD PRIMARY KEY (n)");
  ask_for(pair, "t");
  wait_until_back(pair, "t");
  pair.source.exec("INSERT INTO t VALUES (2); UPDATE t SET n = 5 WHERE n = 1");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ARecopy, leaves_the_rows_of_others_that_refer_to_it_alone) {
  StreamPair pair("referred", 15, 18);
  pair.source.exec(
      "CREATE TABLE above (id int PRIMARY KEY); INSERT INTO above SELECT generate_series(1, 10);"
      "CREATE TABLE t (id int PRIMARY KEY, a int REFERENCES above ON DELETE CASCADE);"
      "INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;"
      "CREATE TABLE below (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE);"
      "INSERT INTO below SELECT i, i FROM generate_series(1, 10) i");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  {
    const Writer writer(pair.source, {"BEGIN; INSERT INTO above SELECT max(id) + 1 FROM above;"
                                      "INSERT INTO t SELECT max(id), max(id) FROM above; COMMIT",
                                      "INSERT INTO below SELECT max(id), max(id) FROM t ON CONFLICT DO NOTHING"});
    ask_for(pair, "t");
    wait_until_back(pair, "t");
    for (const char* table : {"t", "above", "below"}) ask_for(pair, table);
    for (const char* table : {"t", "above", "below"}) wait_until_back(pair, table);
  }
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  expect_no_other_slot(pair);
}

TEST(ARecopy, of_a_partition_leaves_the_others_alone) {
  StreamPair pair("leaf", 15, 18);
  pair.source.exec(
      "CREATE TABLE p (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200);"
      "INSERT INTO p SELECT i, i FROM generate_series(0, 199) i");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  pair.target.exec("DELETE FROM p1 WHERE id < 50");
  ask_for(pair, "p1");
  wait_until_back(pair, "p1");
  pair.source.exec(
      "UPDATE p SET n = -n; UPDATE p SET id = id + 100 WHERE id BETWEEN 40 AND 49 AND false; DELETE FROM p WHERE id = "
      "7");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ARecopy, takes_along_what_shares_a_table_with_it) {
  StreamPair pair("routed", 15, 18);
  pair.source.exec(
      "CREATE TYPE kind AS ENUM ('a', 'b', 'c', 'd');"
      "CREATE TABLE p (k kind NOT NULL, id int NOT NULL, n int, PRIMARY KEY (k, id)) PARTITION BY HASH (k);"
      "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO p SELECT k, i, i FROM unnest(enum_range(NULL::kind)) k, generate_series(1, 100) i");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  pair.target.exec("UPDATE p SET n = 0 WHERE id = 3");
  ask_for(pair, "p0");
  testbed::wait_until("both are back", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM _tributary.table_state WHERE table_name IN ('p0', 'p1')"
               " AND stream = 'followed' AND position > (SELECT start FROM _tributary.stream)") == "2";
  });
  pair.source.exec("UPDATE p SET n = n + 1");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  const std::string rows = "SELECT md5(string_agg(p::text, ' ' ORDER BY k::text, id)) FROM p";
  EXPECT_EQ(pair.source.scalar(rows), pair.target.scalar(rows));
}

// Partitions whose rows lie in one table of the target.
constexpr const char* shared_partitions =
    "CREATE TYPE kind AS ENUM ('a', 'b', 'c', 'd');"
    "CREATE TABLE p (k kind NOT NULL, id int NOT NULL, n int) PARTITION BY HASH (k);"
    "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "INSERT INTO p SELECT k, i, i FROM unnest(enum_range(NULL::kind)) k, generate_series(1, 100) i;";

TEST(ARecopy, stops_all_that_share_a_table_with_one_whose_changes_cannot_be_told) {
  StreamPair pair("own_key", 15, 18);
  pair.source.exec(std::string(shared_partitions) +
                   "ALTER TABLE p0 ADD PRIMARY KEY (k, id); ALTER TABLE p1 ADD PRIMARY KEY (k, id)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  const Writer writer(pair.source, {"UPDATE p SET n = n + 1 WHERE id = 1"});
  ask_for(pair, "p1");
  wait_until_back(pair, "p0", "stopped");
  wait_until_back(pair, "p1", "stopped");
  EXPECT_THAT(reason_of(pair, "p0") + reason_of(pair, "p1"), ::testing::HasSubstr("its key tells them apart"));
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  expect_no_other_slot(pair);
}

TEST(ARecopy, leaves_rows_that_lie_in_one_table_with_those_of_a_dropped_partition) {
  StreamPair pair("shared", 15, 18);
  pair.source.exec(std::string(shared_partitions) + "ALTER TABLE p ADD PRIMARY KEY (k, id)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), Seconds{1});
  pair.wait_until_applied();
  pair.source.exec("DROP TABLE p1");
  ask_for(pair, "p0");
  wait_until_back(pair, "p0", "stopped");
  wait_until_back(pair, "p1", "stopped");
  EXPECT_EQ(reason_of(pair, "p0"),
            "its rows lie in one table of the target with those of public.p1, which cannot be copied again: the source "
            "has dropped it");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM p"), "400");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ARecopy, stops_a_table_that_the_source_has_no_more_and_brings_the_others_back) {
  StreamPair pair("gone", 15, 18);
  pair.source.exec(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY);"
      "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); INSERT INTO c VALUES (1), (2)");
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec("DROP TABLE a");
  pair.target.exec("ALTER TABLE c ADD CHECK (id < 2) NOT VALID");
  for (const char* table : {"a", "b", "c"}) ask_for(pair, table);
  Following following(pair.spec(api::Mode::sync));
  wait_until_back(pair, "b");
  EXPECT_EQ(state_of(pair, "a"), "stopped");
  EXPECT_EQ(state_of(pair, "c"), "stopped");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM c"), "2") << "its rows stay as they are";
  pair.source.exec("INSERT INTO b VALUES (2)");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM b"), "2");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

// The recopy may come to them before the stream has looked at what the source has changed.
TEST(ARecopy, brings_tables_back_that_the_source_has_just_changed) {
  StreamPair pair("changed", 15, 18);
  pair.source.exec(
      "CREATE TABLE added (id int PRIMARY KEY); CREATE TABLE renamed (id int PRIMARY KEY);"
      "CREATE TABLE dropped (id int PRIMARY KEY);"
      "INSERT INTO added VALUES (1); INSERT INTO renamed VALUES (1); INSERT INTO dropped VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), Seconds{4});
  pair.wait_until_applied();
  for (const char* table : {"added", "renamed", "dropped"}) ask_for(pair, table);
  pair.source.exec(
      "ALTER TABLE added ADD COLUMN n int NOT NULL DEFAULT 7; ALTER TABLE renamed RENAME TO other; DROP TABLE dropped;"
      "INSERT INTO added VALUES (2, 2); INSERT INTO other VALUES (2)");
  wait_until_back(pair, "added");
  wait_until_back(pair, "other");
  wait_until_back(pair, "dropped", "stopped");
  pair.source.exec("UPDATE added SET n = n + 1; INSERT INTO other VALUES (3)");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  pair.target.exec("DROP TABLE dropped");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  expect_no_other_slot(pair);
}

// A reader of the target keeps the stream from giving it the source's columns, however often it looks.
TEST(ARecopy, waits_until_the_stream_has_dealt_with_what_the_source_has_changed) {
  StreamPair pair("waiting", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1)");
  ASSERT_TRUE(done(pair.init()));
  testbed::Session reader(pair.target.uri());
  reader.exec("BEGIN; SELECT FROM t");
  ask_for(pair, "t");
  pair.source.exec("ALTER TABLE t DROP COLUMN n; INSERT INTO t VALUES (2)");
  Following following(pair.spec(api::Mode::sync), Milliseconds{50});
  std::set<std::string> looks;
  testbed::wait_until("many looks have not got their lock", [&] {
    looks.insert(pair.target.scalar(
        "SELECT COALESCE(max(query_start)::text, '') FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'tributary/%/control' AND wait_event_type = 'Lock'"));
    return looks.size() > 8;
  });
  EXPECT_EQ(state_of(pair, "t"), "recopy");
  reader.exec("COMMIT");
  wait_until_back(pair, "t");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// Sessions are ended as those of a killed engine are, at drawn moments.
TEST(ARecopy, is_done_over_when_its_sessions_are_ended) {
  StreamPair pair("ended", 15, 18);
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, word text);"
      "INSERT INTO t SELECT i, 0, repeat('x', 200) FROM generate_series(1, 30000) i");
  ASSERT_TRUE(done(pair.init()));
  std::mt19937_64 random(std::random_device{}());
  const auto seed = random();
  SCOPED_TRACE("seed " + std::to_string(seed));
  random.seed(seed);
  Following following(pair.spec(api::Mode::sync));
  {
    const Writer writer(pair.source, {"UPDATE t SET n = n + 1 WHERE id % 500 = 1",
                                      "INSERT INTO t SELECT max(id) + 1, 1, 'new' FROM t"});
    for (int round = 0; round < 4; ++round) {
      ask_for(pair, "t");
      const std::vector<std::string> of_recopy{"recopy", "recopy-writer", "recopy-applier"};
      const std::string which = of_recopy[random() % of_recopy.size()];
      const bool at_source = random() % 3 == 0;
      testbed::PostgresServer& server = at_source ? pair.from : pair.to;
      const std::string& database = at_source ? pair.source.name() : pair.target.name();
      const std::string victims = " FROM pg_stat_activity WHERE datname = '" + database +
                                  "' AND application_name LIKE 'tributary/%" + (at_source ? "recopy" : "/" + which) +
                                  "'";
      testbed::wait_until("its session is ended, or it is done", [&] {
        return server.scalar("postgres", "SELECT count(pg_terminate_backend(pid))" + victims) != "0" ||
               state_of(pair, "t") == "followed";
      });
      if (random() % 2 == 0)
        pair.to.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                                     pair.target.name() + "' AND application_name LIKE 'tributary/%/applier'");
      wait_until_back(pair, "t");
    }
  }
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  expect_no_other_slot(pair);
}

}  // namespace
}  // namespace tributary::postgres::sync
