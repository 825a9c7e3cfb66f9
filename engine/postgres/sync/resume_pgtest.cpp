#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "engine/pipeline/session.h"
#include "engine/postgres/sync/copy_drain.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/session.h"

// A copy that is ended before its end, and the attempt that goes on with its slot.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using api::Mode;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::same_content;
using testbed::StreamPair;

// Enough tables that the last are copied long after the first; the biggest is the first. `loose` has no key.
const char* const many_tables =
    "CREATE TABLE big (id int PRIMARY KEY, word text);"
    "INSERT INTO big SELECT i, md5(i::text) FROM generate_series(1, 60000) i;"
    "CREATE TABLE emptied (id int PRIMARY KEY); INSERT INTO emptied SELECT generate_series(1, 10);"
    "CREATE TABLE loose (n int); INSERT INTO loose SELECT generate_series(1, 100);"
    "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 100);"
    "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);"
    "INSERT INTO child SELECT i, i FROM generate_series(1, 100) i;"
    "CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM big;"
    "DO $$ BEGIN FOR i IN 1..150 LOOP"
    " EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, n int);"
    "  INSERT INTO small_%s SELECT j, j FROM generate_series(1, 20) j', i, i); END LOOP; END $$";

const char* const all_kinds_of_changes =
    "UPDATE big SET word = 'changed' WHERE id % 7 = 0; DELETE FROM big WHERE id % 11 = 0;"
    "UPDATE big SET id = id + 1000000 WHERE id % 13 = 0; INSERT INTO big VALUES (-1, 'new');"
    "TRUNCATE emptied; INSERT INTO emptied VALUES (7); UPDATE loose SET n = n + 1; DELETE FROM loose WHERE n < 10;"
    "DELETE FROM parent WHERE id < 50; INSERT INTO parent VALUES (1000); INSERT INTO child VALUES (1000, 1000);"
    "UPDATE small_1 SET n = -n; UPDATE small_150 SET id = id + 100; REFRESH MATERIALIZED VIEW seen";

api::Report copy(const api::Spec& spec, pipeline::ProgressBoard& board, const std::stop_token& stop = {}) {
  const auto servers = make_servers(spec, drain_of(spec));
  return pipeline::run_snapshot(spec, *servers, board, {Deadline::after(Seconds{300}), stop});
}

api::Report copy(const api::Spec& spec) {
  pipeline::ProgressBoard board(spec.replication);
  return copy(spec, board);
}

// An attempt that is stopped when some of its tables are finished.
void stop_halfway(const api::Spec& given, std::size_t tables = 1) {
  api::Spec spec = given;
  spec.snapshot.parallelism = 1;
  pipeline::ProgressBoard board(spec.replication);
  std::stop_source stop;
  auto report = std::async(std::launch::async, [&] { return copy(spec, board, stop.get_token()); });
  testbed::wait_until("some tables are finished", [&] {
    const api::Progress progress = board.snapshot();
    return !progress.databases.empty() && progress.databases[0].tables_done >= tables;
  });
  stop.request_stop();
  ASSERT_EQ(report.get().reason, "Stopped");
}

std::string kept(const StreamPair& pair) {
  return pair.target.scalar(
      "SELECT count(*) FROM (SELECT FROM _tributary.part p JOIN _tributary.replication r ON r.key = p.replication"
      " WHERE p.epoch < r.epoch GROUP BY p.schema_name, p.table_name) t");
}

std::string epoch_of(const StreamPair& pair, const std::string& table) {
  return pair.target.scalar("SELECT max(epoch) FROM _tributary.part WHERE table_name = '" + table + "'");
}

std::string publications(const StreamPair& pair) {
  return pair.source.scalar("SELECT count(*) FROM pg_publication");
}

struct Way {
  int from, to;
  Mode mode;
};

class AnAttempt : public ::testing::TestWithParam<Way> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, AnAttempt,
                         ::testing::Values(Way{13, 15, Mode::snapshot_and_sync}, Way{15, 18, Mode::snapshot_and_sync},
                                           Way{17, 17, Mode::snapshot_and_sync}, Way{18, 18, Mode::snapshot_and_sync},
                                           Way{13, 13, Mode::snapshot}, Way{18, 18, Mode::snapshot}),
                         [](const auto& each) {
                           return std::to_string(each.param.from) + "_to_" + std::to_string(each.param.to) +
                                  (each.param.mode == Mode::snapshot ? "_not_followed" : "_followed");
                         });

TEST_P(AnAttempt, goes_on_with_the_tables_of_one_that_was_stopped_and_ends_at_one_position) {
  StreamPair pair("goes_on", GetParam().from, GetParam().to);
  pair.source.exec(many_tables);
  const api::Spec spec = pair.spec(GetParam().mode);
  stop_halfway(spec);
  EXPECT_EQ(pair.slots(), "1");
  const std::string first = epoch_of(pair, "big");
  pair.source.exec(all_kinds_of_changes);
  stop_halfway(spec, 60);
  pair.source.exec("UPDATE big SET word = 'third' WHERE id % 17 = 0; UPDATE small_2 SET n = 0; DELETE FROM loose");

  const api::Report report = copy(spec);
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_EQ(epoch_of(pair, "big"), first) << "it was not copied again";
  EXPECT_GE(std::stoi(kept(pair)), 50);
  EXPECT_EQ(
      pair.target.scalar(
          "SELECT count(*) FROM pg_constraint WHERE conrelid = 'child'::regclass AND contype = 'f' AND convalidated"),
      "1");
  EXPECT_EQ(pair.slots(), GetParam().mode == Mode::snapshot ? "0" : "1");
  EXPECT_EQ(publications(pair), GetParam().mode == Mode::snapshot ? "0" : "1");
  EXPECT_EQ(pair.target.scalar("SELECT released FROM _tributary.stream"),
            GetParam().mode == Mode::snapshot ? "t" : "f");
  if (GetParam().mode == Mode::snapshot) return;
  Following following(pair.spec(Mode::sync));
  pair.source.exec("UPDATE big SET word = 'followed' WHERE id % 19 = 0");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

class AnAttemptThatCannotGoOn : public ::testing::Test {
 protected:
  AnAttemptThatCannotGoOn() { pair.source.exec(many_tables); }

  void expect_it_begins_anew() {
    const std::string first = epoch_of(pair, "big");
    ASSERT_TRUE(done(copy(pair.spec(Mode::snapshot_and_sync))));
    EXPECT_NE(epoch_of(pair, "big"), first);
    EXPECT_EQ(kept(pair), "0");
    EXPECT_EQ(pair.slots(), "1");
    EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  }

  StreamPair pair{"begins_anew", 15, 18};
};

TEST_F(AnAttemptThatCannotGoOn, for_its_slot_is_gone) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  pair.source.exec(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
      "current_database(); UPDATE big SET word = 'lost'");
  expect_it_begins_anew();
}

TEST_F(AnAttemptThatCannotGoOn, for_somebody_else_has_read_from_its_slot) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  pair.source.exec("UPDATE big SET word = 'lost'");
  pair.source.exec(
      "SELECT count(*) FROM pg_replication_slots s, pg_replication_slot_advance(s.slot_name, pg_current_wal_lsn())"
      " WHERE s.database = current_database()");
  expect_it_begins_anew();
}

// What the ledger tells of is not in the log of a source that was set back.
TEST_F(AnAttemptThatCannotGoOn, for_its_source_has_another_log) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  pair.source.exec("UPDATE small_1 SET n = 0");
  const std::string end = "'" + pair.source.scalar("SELECT pg_current_wal_flush_lsn()") + "'::pg_lsn";
  pair.target.exec("UPDATE _tributary.stream SET witness_time = now(), witness = " + end +
                   " - 8, witness_end = " + end + ", applied = " + end);
  pair.source.exec("UPDATE big SET word = 'of another log'");
  expect_it_begins_anew();
}

TEST_F(AnAttemptThatCannotGoOn, for_the_schema_is_another) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  pair.source.exec("ALTER TABLE big ADD COLUMN more int DEFAULT 5");
  expect_it_begins_anew();
}

TEST_F(AnAttemptThatCannotGoOn, for_the_publication_is_another) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  pair.source.exec(
      "DO $$ BEGIN EXECUTE format('ALTER PUBLICATION %I DROP TABLE big', (SELECT pubname FROM pg_publication));"
      " END $$; UPDATE big SET word = 'unpublished'");
  expect_it_begins_anew();
}

TEST_F(AnAttemptThatCannotGoOn, for_another_request_asks_for_another) {
  stop_halfway(pair.spec(Mode::snapshot_and_sync));
  api::Spec spec = pair.spec(Mode::snapshot_and_sync);
  spec.snapshot.request_id = "again";
  ASSERT_TRUE(done(copy(spec)));
  EXPECT_EQ(kept(pair), "0");
}

TEST(ATableOfAnAttemptThatGoesOn, is_copied_again_where_it_is_not_the_one_that_was_copied) {
  StreamPair pair("copied_again", 15, 18);
  pair.source.exec(many_tables);
  stop_halfway(pair.spec(Mode::snapshot_and_sync), 120);
  const std::string done_ones =
      " FROM _tributary.table_state WHERE state = 'done' AND table_name LIKE 'small%' ORDER BY table_name";
  const std::string emptied = pair.target.scalar("SELECT table_name" + done_ones + " LIMIT 1");
  const std::string rewritten = pair.target.scalar("SELECT table_name" + done_ones + " LIMIT 1 OFFSET 1");
  const std::string made_anew = pair.target.scalar("SELECT table_name" + done_ones + " LIMIT 1 OFFSET 2");
  const std::string misfit = pair.target.scalar("SELECT table_name" + done_ones + " LIMIT 1 OFFSET 3");
  const std::string first = epoch_of(pair, "big");
  pair.target.exec("TRUNCATE " + emptied);
  pair.source.exec("ALTER TABLE " + rewritten + " ALTER n TYPE int USING n + 5");
  pair.source.exec("ALTER TABLE " + made_anew + " DROP n, ADD n int");
  pair.target.exec("DELETE FROM " + misfit + " WHERE id = 1");
  pair.source.exec("UPDATE " + misfit + " SET n = 5");
  const api::Report report = copy(pair.spec(Mode::snapshot_and_sync));
  ASSERT_TRUE(done(report));
  EXPECT_EQ(epoch_of(pair, "big"), first);
  for (const std::string& table : {emptied, rewritten, made_anew, misfit})
    EXPECT_NE(epoch_of(pair, table), first) << table;
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(AnAttempt, knows_the_tables_of_one_that_ended_before_it_had_planned_any) {
  StreamPair pair("not_planned", 15, 18);
  pair.source.exec(many_tables);
  const api::Spec spec = pair.spec(Mode::snapshot_and_sync);
  stop_halfway(spec, 60);
  {
    testbed::Session other(pair.target.uri());
    other.exec("SELECT pg_advisory_lock(hashtextextended('_tributary plan', 0))");
    pipeline::ProgressBoard board(spec.replication);
    std::stop_source stop;
    auto report = std::async(std::launch::async, [&] { return copy(spec, board, stop.get_token()); });
    testbed::wait_until("it waits to plan its tables", [&] {
      return pair.target.scalar(
                 "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                 " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted") == "1";
    });
    stop.request_stop();
    ASSERT_EQ(report.get().reason, "Stopped");
  }
  ASSERT_TRUE(done(copy(spec)));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(AnAttempt, shows_what_the_source_keeps_for_it) {
  StreamPair pair("shows_slot", 15, 18);
  pair.source.exec(many_tables);
  const api::Spec spec = pair.spec(Mode::snapshot_and_sync);
  pipeline::ProgressBoard board("");
  auto report = std::async(std::launch::async, [&] { return copy(spec, board); });
  testbed::wait_until("the slot is shown", [&] {
    const api::Progress progress = board.snapshot();
    return !progress.databases.empty() && progress.databases[0].stream && progress.databases[0].stream->slot != "";
  });
  EXPECT_TRUE(done(report.get()));
}

TEST(AnAttemptThatFailsForGood, leaves_no_slot_by_hand_or_after_a_refusal) {
  StreamPair pair("no_slot_left", 15, 18);
  pair.source.exec(many_tables);
  stop_halfway(pair.spec(Mode::snapshot_and_sync, ""));
  EXPECT_EQ(pair.slots(), "0") << "nobody comes again by itself";
  StreamPair other("no_slot_left", 15, 18);
  other.target.exec("CREATE TABLE in_the_way (id int)");
  EXPECT_EQ(copy(other.spec(Mode::snapshot_and_sync)).exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(other.slots(), "0");
  EXPECT_EQ(copy(other.spec(Mode::snapshot)).exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(other.slots(), "0");
  EXPECT_EQ(publications(other), "0");
}

TEST(AnAttemptOfADeclaredReplication, keeps_its_slot_until_it_is_released) {
  StreamPair pair("kept_slot", 15, 18);
  pair.source.exec(many_tables);
  const api::Spec spec = pair.spec(Mode::snapshot);
  stop_halfway(spec);
  EXPECT_EQ(pair.slots(), "1");
  const auto servers = make_sync_servers(spec);
  pipeline::ProgressBoard board("");
  EXPECT_EQ(pipeline::run_release(spec, *servers, pipeline::Keep::everything, board, {}).exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(publications(pair), "0");
  ASSERT_TRUE(done(copy(spec))) << "it begins anew";
  EXPECT_EQ(kept(pair), "0");
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(AnAttemptOfADeclaredReplication, measures_the_slot_of_the_one_before_while_the_target_is_away) {
  StreamPair pair("slot_measured", 15, 18);
  pair.source.exec(many_tables);
  api::Spec spec = pair.spec(Mode::snapshot);
  stop_halfway(spec);
  spec.target.host = "127.0.0.1";
  spec.target.port = 1;
  pipeline::ProgressBoard board("");
  std::stop_source stop;
  auto report = std::async(std::launch::async, [&] { return copy(spec, board, stop.get_token()); });
  testbed::wait_until("the slot is measured", [&] {
    const api::Progress progress = board.snapshot();
    return !progress.databases.empty() && progress.databases[0].stream &&
           progress.databases[0].stream->retained_bytes.has_value();
  });
  EXPECT_EQ(board.snapshot().checks, api::Checks::not_passed);
  stop.request_stop();
  EXPECT_NE(report.get().exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "1");
}

TEST(ASnapshotOfADeclaredReplication, makes_no_slot_unasked) {
  StreamPair pair("unasked", 15, 18);
  pair.source.exec(many_tables);
  api::Spec spec = pair.spec(Mode::snapshot);
  spec.snapshot.keep_slot = false;
  stop_halfway(spec);
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(publications(pair), "0");
  ASSERT_TRUE(done(copy(spec)));
  EXPECT_EQ(kept(pair), "0");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ASnapshotOfADeclaredReplication, does_without_a_slot_where_the_source_allows_none) {
  testbed::PostgresServer& from = testbed::server(15, testbed::Flavour::replica);
  const testbed::Database source = from.create_database("no_logical");
  const testbed::Database target = testbed::server(18).create_database("no_logical");
  source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  api::Spec spec = testbed::spec_between(source.uri(), target.uri());
  spec.replication = "uid-1";
  spec.snapshot.keep_slot = true;
  EXPECT_TRUE(done(copy(spec)));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  EXPECT_EQ(target.scalar("SELECT count(*) FROM _tributary.stream"), "0");
}

TEST(ASnapshotOfADeclaredReplication, does_without_a_slot_where_the_role_may_make_none) {
  StreamPair pair("no_right", 15, 18);
  const std::string role = "reader_" + pair.source.name();
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE ROLE " + role +
                   " LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role +
                   "; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO " + role);
  api::Spec spec = pair.spec(Mode::snapshot);
  spec.source.uri = pair.from.tcp_uri(pair.source.name(), role, "x");
  EXPECT_TRUE(done(copy(spec)));
  pair.source.exec("ALTER ROLE " + role + " REPLICATION");
  spec.snapshot.request_id = "again";
  EXPECT_TRUE(done(copy(spec))) << "it may make a slot by now, and no publication";
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(publications(pair), "0");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  pair.source.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

}  // namespace
}  // namespace tributary::postgres::sync
