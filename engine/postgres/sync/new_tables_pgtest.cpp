#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Tables that the source has and the target does not, or not any more.
namespace tributary::postgres::sync {
namespace {

using testbed::ask_for;
using testbed::done;
using testbed::Following;
using testbed::reason_of;
using testbed::same_content;
using testbed::StreamPair;
using testbed::wait_until;
using testbed::wait_until_back;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};
// Nothing but a request has the stream look.
constexpr Seconds seldom{3'600};

// Somebody has the name of its key on the target.
void expect_refused(const StreamPair& pair) {
  pair.target.exec("CREATE TABLE theirs (n int CONSTRAINT fresh_pkey PRIMARY KEY)");
  pair.source.exec("CREATE TABLE fresh (id int PRIMARY KEY, n int DEFAULT 7); INSERT INTO fresh VALUES (1)");
  wait_until_back(pair, "fresh", "stopped");
  EXPECT_THAT(reason_of(pair, "fresh"), HasSubstr("the target refused it: index public.fresh_pkey of table"));
}

void expect_followed(const StreamPair& pair, const std::string& table) {
  wait_until_back(pair, table);
  pair.source.exec("INSERT INTO " + table + " VALUES (2); UPDATE " + table + " SET n = 8 WHERE id = 1");
  pair.wait_until_applied();
  const std::string rows = "SELECT string_agg(t::text, ' ' ORDER BY id) FROM " + table + " t";
  EXPECT_EQ(pair.target.scalar(rows), pair.source.scalar(rows));
  const std::string keys = "SELECT count(*) FROM pg_index WHERE indrelid = '" + table + "'::regclass";
  EXPECT_EQ(pair.target.scalar(keys), "1");
}

TEST(ANewTableThatWasRefused, is_created_when_it_is_asked_for_after_its_cause_is_mended) {
  StreamPair pair("refused", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  expect_refused(pair);
  pair.target.exec("DROP TABLE theirs");
  ask_for(pair, "fresh");
  expect_followed(pair, "fresh");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ANewTableThatWasRefused, is_created_by_the_request_of_a_spec) {
  StreamPair pair("refused_spec", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  {
    Following following(pair.spec(api::Mode::sync), often);
    expect_refused(pair);
    EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  }
  pair.target.exec("DROP TABLE theirs");
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.recopy = {"again", {pair.source.name() + ".public.fresh"}};
  Following following(spec, seldom);
  expect_followed(pair, "fresh");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(ANewTableThatWasRefused, stops_again_where_the_cause_is_still_there) {
  StreamPair pair("refused_again", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  expect_refused(pair);
  ask_for(pair, "fresh");
  wait_until_back(pair, "fresh", "stopped");
  EXPECT_THAT(reason_of(pair, "fresh"), HasSubstr("the target refused it: index public.fresh_pkey of table"));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(ANewTableThatWasRefused, is_created_under_the_name_and_with_the_columns_that_it_has_by_then) {
  StreamPair pair("refused_renamed", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  expect_refused(pair);
  pair.target.exec("DROP TABLE theirs");
  pair.source.exec("ALTER TABLE fresh ADD COLUMN more text DEFAULT 'x'; ALTER TABLE fresh RENAME TO other");
  ask_for(pair, "fresh");
  expect_followed(pair, "other");
  wait_until("its old name is forgotten", [&] { return testbed::state_of(pair, "fresh").empty(); });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ATableThatTheTargetHasLost, is_created_when_it_is_asked_for) {
  StreamPair pair("lost", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 7); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.target.exec("DROP TABLE t");
  ask_for(pair, "t");
  expect_followed(pair, "t");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// As an engine leaves it that is killed before it has recorded what it created.
TEST(ANewTable, that_is_there_unrecorded_becomes_as_the_source_has_it_by_then) {
  StreamPair pair("unrecorded", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  const std::string made =
      "CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE TABLE p (id int PRIMARY KEY, a int) PARTITION BY RANGE "
      "(id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100)";
  pair.source.exec(made);
  {
    Following following(pair.spec(api::Mode::sync), often);
    for (const char* table : {"t", "p1"}) wait_until_back(pair, table);
    EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  }
  pair.target.exec(
      "DELETE FROM _tributary.part WHERE table_name IN ('t', 'p', 'p1');"
      "DELETE FROM _tributary.table_state WHERE table_name IN ('t', 'p', 'p1')");
  pair.source.exec(
      "ALTER TABLE t DROP COLUMN a, ADD COLUMN b text; ALTER TABLE p RENAME COLUMN a TO b;"
      "INSERT INTO t (b) VALUES ('x'); INSERT INTO p VALUES (1, 2)");
  Following following(pair.spec(api::Mode::sync), often);
  for (const char* table : {"t", "p1"}) wait_until_back(pair, table);
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_EQ(pair.target.scalar("INSERT INTO t (b) VALUES ('y') RETURNING id"), "2");
}

// Rows, or a table of somebody else.
TEST(ANewTable, leaves_what_is_there_and_is_not_its_own) {
  StreamPair pair("theirs", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE t (other int)");
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  Following following(pair.spec(api::Mode::sync), often);
  wait_until_back(pair, "t", "stopped");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_EQ(pair.target.scalar("SELECT count(other) FROM t"), "0");
}

// Of the same columns, so that nothing but whose it is speaks against it.
TEST(ANewTable, replaces_no_rows_that_were_there_before) {
  StreamPair pair("foreign_rows", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 7)");
  wait_until_back(pair, "t", "stopped");
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("holds rows of somebody else"));
  ask_for(pair, "t");
  wait_until_back(pair, "t", "stopped");
  EXPECT_EQ(pair.target.scalar("SELECT n FROM t"), "1");
  pair.target.exec("TRUNCATE t");
  ask_for(pair, "t");
  expect_followed(pair, "t");
  ask_for(pair, "t");
  wait_until_back(pair, "t");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(ANewTable, is_not_put_into_the_table_of_another_replication) {
  StreamPair pair("foreign_stream", 15, 18);
  pair.source.exec("CREATE TABLE mine (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int);"
      "INSERT INTO _tributary.replication SELECT (jsonb_populate_record(r, '{\"key\": \"another\"}')).*"
      " FROM _tributary.replication r;"
      "INSERT INTO _tributary.stream SELECT (jsonb_populate_record(s, '{\"replication\": \"another\"}')).*"
      " FROM _tributary.stream s;"
      "INSERT INTO _tributary.table_state"
      " SELECT (jsonb_populate_record(t, '{\"replication\": \"another\", \"table_name\": \"t\"}')).*"
      " FROM _tributary.table_state t WHERE table_name = 'mine'");
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 7)");
  wait_until_back(pair, "t", "stopped");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("that of another replication, another, too"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "0");
}

// The values of sequences may be read before the source's tables are looked at.
TEST(ASequence, is_carried_though_it_was_read_before_the_target_had_it) {
  StreamPair pair("sequence", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  const auto servers = make_sync_servers(pair.spec(api::Mode::sync));
  const auto databases = servers->databases({});
  ASSERT_TRUE(databases);
  const auto ends = servers->ends(databases->front());
  const auto applier = ends->applier({});
  ASSERT_TRUE(applier);
  pair.source.exec("CREATE TABLE t (id serial PRIMARY KEY, n int); INSERT INTO t (n) SELECT generate_series(1, 3)");
  ASSERT_TRUE(ends->carry_sequences({}));
  ASSERT_TRUE(ends->look_at_tables((*applier)->position().applied, pipeline::StreamEnds::Look::now, {}));
  ASSERT_TRUE(ends->carry_sequences({}));
  EXPECT_EQ(pair.target.scalar("SELECT last_value FROM t_id_seq"), "3");
}

}  // namespace
}  // namespace tributary::postgres::sync
