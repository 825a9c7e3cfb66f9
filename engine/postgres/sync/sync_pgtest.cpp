#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/pipeline/sync.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Continuous sync between live servers: a snapshot with a slot, and the stream that goes on from it.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::same_content;
using testbed::StreamPair;
using ::testing::HasSubstr;

class EveryVersion : public ::testing::TestWithParam<std::pair<int, int>> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, EveryVersion,
                         ::testing::Values(std::pair{13, 15}, std::pair{15, 18}, std::pair{17, 17}, std::pair{18, 18}),
                         [](const auto& each) {
                           return std::to_string(each.param.first) + "_to_" + std::to_string(each.param.second);
                         });

TEST_P(EveryVersion, carries_what_is_committed_after_the_snapshot) {
  StreamPair pair("follow", GetParam().first, GetParam().second);
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, word text, number numeric);"
      "INSERT INTO t SELECT i, 'word ' || i, i / 7.0 FROM generate_series(1, 1000) i;"
      "CREATE TABLE emptied (id int PRIMARY KEY); INSERT INTO emptied SELECT generate_series(1, 10)");
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec(
      "INSERT INTO t VALUES (2001, 'committed before the stream is opened', NULL);"
      "UPDATE t SET word = '' WHERE id = 1");
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec(
      "UPDATE t SET number = number * 2 WHERE id % 3 = 0; DELETE FROM t WHERE id % 5 = 0;"
      "UPDATE t SET id = id + 10000 WHERE id < 10; TRUNCATE emptied; INSERT INTO emptied VALUES (7)");
  testbed::Session undone(pair.source.uri());
  undone.exec("BEGIN; INSERT INTO t VALUES (3001); SAVEPOINT s; INSERT INTO t VALUES (3002); ROLLBACK TO s; ROLLBACK");
  undone.exec("BEGIN; INSERT INTO t VALUES (4001); SAVEPOINT s; INSERT INTO t VALUES (4002); ROLLBACK TO s; COMMIT");
  pair.wait_until_applied();
  const api::Report report = following.stop();
  EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(report.reason, "Stopped");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri())) << "sequences too";
}

TEST(ASync, goes_on_where_the_one_before_it_stopped) {
  StreamPair pair("resumed", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int)");
  ASSERT_TRUE(done(pair.init()));
  for (int round = 0; round < 3; ++round) {
    const std::string from = std::to_string(round * 100);
    pair.source.exec("INSERT INTO t SELECT i, 0 FROM generate_series(" + from + " + 1, " + from + " + 50) i");
    Following following(pair.spec(api::Mode::sync));
    pair.source.exec("UPDATE t SET n = n + 1");
    pair.wait_until_applied();
    ASSERT_EQ(following.stop().exit_code, ExitCode::done);
  }
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ASync, follows_with_a_role_that_may_not_read_the_systems_identifier) {
  StreamPair pair("unidentified", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  const std::string role = "role_of_" + pair.source.name();
  pair.source.exec("CREATE ROLE " + role + " LOGIN REPLICATION PASSWORD 'secret'; GRANT SELECT ON mark TO " + role +
                   "; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.source.uri = pair.from.tcp_uri(pair.source.name(), role, "secret");
  {
    Following following(spec);
    pair.wait_until_applied();
    const api::Report report = following.stop();
    EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  }
  pair.target.exec("UPDATE _tributary.replication SET source_system = '7'");
  Following elsewhere(spec);
  EXPECT_TRUE(failed(elsewhere.wait(), ExitCode::lost_position, "the source is another system"));
  pair.source.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST(ASync, upgrades_the_ledger_of_an_older_engine) {
  StreamPair pair("upgraded", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec(
      "ALTER TABLE _tributary.replication DROP COLUMN recopy_request;"
      "ALTER TABLE _tributary.table_state DROP CONSTRAINT table_state_stream_check,"
      "  ADD CONSTRAINT table_state_stream_check CHECK (stream IN ('followed', 'stopped', 'not_streamed'));"
      "DROP INDEX _tributary.table_state_aside; DROP TABLE _tributary.late_key, _tributary.hold, "
      "_tributary.compared_range;"
      "ALTER TABLE _tributary.table_state DROP COLUMN route_schema, DROP COLUMN route_name, DROP COLUMN shape,"
      "  DROP COLUMN asked;"
      "ALTER TABLE _tributary.stream DROP COLUMN witness, DROP COLUMN witness_end, DROP COLUMN witness_time,"
      "  DROP COLUMN last_end;"
      "UPDATE _tributary.control SET version = 2");
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT version FROM _tributary.control"), std::to_string(control_version));
  EXPECT_EQ(pair.target.scalar("UPDATE _tributary.table_state SET stream = 'recopy' RETURNING stream"), "recopy");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ASync, says_where_it_is) {
  StreamPair pair("progress", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  testbed::wait_until("nothing is lacking", [&] {
    const api::StreamProgress stream = following.stream(pair.source.name());
    return stream.state == api::StreamState::following && stream.lag_bytes == 0;
  });
  const api::StreamProgress stream = following.stream(pair.source.name());
  EXPECT_EQ(stream.lag_seconds, 0u);
  EXPECT_GE(stream.transactions, 1u);
  EXPECT_GE(stream.changes, 1u);
  EXPECT_NE(stream.last_transaction, "");
  EXPECT_EQ(stream.error, "");
}

TEST(ASync, reconnects_when_its_sessions_are_ended) {
  StreamPair pair("reconnect", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  for (int round = 0; round < 3; ++round) {
    pair.wait_until_applied();
    pair.from.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                                   pair.source.name() + "' AND application_name LIKE 'tributary/%'");
    pair.wait_until_applied();
    pair.to.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                                 pair.target.name() + "' AND application_name LIKE 'tributary/%'");
  }
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// It may have crashed, or be another one that was put in its place from a backup.
TEST(ASync, does_again_what_a_target_has_lost_that_it_connects_to_again) {
  StreamPair pair("lost_since", 15, 18);
  pair.source.exec("CREATE TABLE counted (id serial PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  const auto servers = make_sync_servers(pair.spec(api::Mode::sync));
  const Until soon{Deadline::after(Seconds{60}), {}};
  const auto ends = servers->ends(servers->databases(soon).value().front());
  pair.source.exec("INSERT INTO counted DEFAULT VALUES; ALTER TABLE t ADD COLUMN more float8 DEFAULT random()");
  testbed::ask_for(pair, "t");
  pair.target.exec("CREATE TABLE before AS SELECT * FROM _tributary.table_state");
  for (int round = 0; round < 2; ++round) {
    const auto applier = ends->applier(soon);
    ASSERT_TRUE(applier) << applier.error().what;
    ASSERT_TRUE(ends->carry_sequences(soon));
    EXPECT_EQ(testbed::sequences(pair.target.uri()), testbed::sequences(pair.source.uri()));
    EXPECT_EQ(pair.target.scalar("SELECT count(more) FROM t"), "0") << "the column is there";
    pair.target.exec(
        "SELECT setval('counted_id_seq', 1, false); ALTER TABLE t DROP COLUMN more;"
        "UPDATE _tributary.table_state t SET shape = b.shape FROM before b WHERE b.table_name = t.table_name");
  }
}

TEST(ASync, measures_what_the_source_keeps_while_the_target_is_away) {
  StreamPair pair("measured", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.target.host = "127.0.0.1";
  spec.target.port = 1;
  Following following(spec);
  testbed::wait_until("the slot is measured",
                      [&] { return following.stream(pair.source.name()).retained_bytes.has_value(); });
  const api::StreamProgress stream = following.stream(pair.source.name());
  EXPECT_EQ(stream.state, api::StreamState::connecting);
  EXPECT_EQ(stream.slot, pair.source.scalar("SELECT slot_name FROM pg_replication_slots"
                                            " WHERE database = current_database()"));
  EXPECT_NE(stream.error, "");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ASync, refuses_a_pair_that_was_never_initialised) {
  StreamPair pair("never", 15, 18);
  Following following(pair.spec(api::Mode::sync));
  const api::Report report = following.wait();
  EXPECT_EQ(report.exit_code, ExitCode::bad_configuration);
  EXPECT_THAT(report.message, HasSubstr("was never prepared for continuous sync"));
  EXPECT_THAT(report.hint, HasSubstr("init --sync"));
}

TEST(ASync, refuses_a_plain_snapshot) {
  StreamPair pair("plain", 15, 18);
  ASSERT_TRUE(done(testbed::snapshot(pair.spec(api::Mode::snapshot))));
  EXPECT_EQ(pair.slots(), "0");
  Following following(pair.spec(api::Mode::sync));
  EXPECT_THAT(following.wait().message, HasSubstr("was never prepared for continuous sync"));
}

TEST(ASync, ends_as_lost_when_its_slot_is_gone) {
  StreamPair pair("lost", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.from.exec("postgres", "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
                                 pair.source.name() + "'");
  Following following(pair.spec(api::Mode::sync));
  const api::Report report = following.wait();
  EXPECT_EQ(report.exit_code, ExitCode::lost_position) << report.message;
  EXPECT_EQ(report.reason, "PositionLost");
  EXPECT_EQ(pair.slots(), "0") << "never made anew in silence";
}

TEST(ASync, ends_as_lost_when_the_target_was_set_back) {
  StreamPair pair("set_back", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following first(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  const std::string backup = pair.target.scalar("SELECT applied FROM _tributary.stream");
  pair.wait_until_applied();
  ASSERT_EQ(first.stop().exit_code, ExitCode::done);
  testbed::wait_until("the source knows what the target has", [&] {
    return pair.from.scalar("postgres", "SELECT confirmed_flush_lsn > '" + backup +
                                            "' FROM pg_replication_slots WHERE database = '" + pair.source.name() +
                                            "'") == "t";
  });
  pair.target.exec("UPDATE _tributary.stream SET applied = '" + backup + "'; DELETE FROM mark WHERE id > 1");
  Following second(pair.spec(api::Mode::sync));
  const api::Report report = second.wait();
  EXPECT_EQ(report.exit_code, ExitCode::lost_position) << report.message;
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM mark"), "1") << "nothing is applied over a gap";
}

TEST(ASync, is_fenced_by_another_one) {
  StreamPair pair("two_syncs", 15, 18);
  ASSERT_TRUE(done(pair.init("")));
  Following first(pair.spec(api::Mode::sync, ""));
  pair.wait_until_applied();
  Following second(pair.spec(api::Mode::sync, ""));
  EXPECT_TRUE(failed(second.wait(), ExitCode::fenced, "another engine is at work on replication "));
  pair.wait_until_applied();
  EXPECT_EQ(first.stop().exit_code, ExitCode::done);
}

api::Report release(const api::Spec& spec, pipeline::Keep keep = pipeline::Keep::everything) {
  const auto servers = make_sync_servers(spec);
  pipeline::ProgressBoard board("");
  return pipeline::run_release(spec, *servers, keep, board, {});
}

TEST(ARelease, leaves_nothing_on_the_source_and_no_way_on) {
  StreamPair pair("released", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  EXPECT_EQ(release(pair.spec(api::Mode::sync)).exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
  EXPECT_EQ(release(pair.spec(api::Mode::sync)).exit_code, ExitCode::done) << "once more changes nothing";
  Following following(pair.spec(api::Mode::sync));
  EXPECT_TRUE(failed(following.wait(), ExitCode::lost_position, "was released"));
  ASSERT_TRUE(done(pair.init())) << "complete: not repeated without being asked";
  EXPECT_EQ(pair.slots(), "0");
}

TEST(ARelease, forgets_the_replication) {
  StreamPair pair("forgotten", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  EXPECT_EQ(release(pair.spec(api::Mode::sync), pipeline::Keep::data).exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.replication"), "0");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.stream"), "0");
}

TEST(ARelease, needs_the_target_only_for_what_it_is_to_forget) {
  for (const pipeline::Keep keep : {pipeline::Keep::everything, pipeline::Keep::data}) {
    StreamPair pair("half_released", 15, 18);
    ASSERT_TRUE(done(pair.init()));
    api::Spec spec = pair.spec(api::Mode::sync);
    spec.target.database = "not_there";
    EXPECT_EQ(release(spec, keep).exit_code == ExitCode::done, keep == pipeline::Keep::everything);
    EXPECT_EQ(pair.slots(), "0");
    EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
    EXPECT_TRUE(failed(Following(pair.spec(api::Mode::sync)).wait(), ExitCode::lost_position, ""));
  }
}

TEST(ARelease, needs_no_ledger_that_can_be_written) {
  for (const pipeline::Keep keep : {pipeline::Keep::everything, pipeline::Keep::data}) {
    StreamPair pair("unwritable", 15, 18);
    ASSERT_TRUE(done(pair.init()));
    pair.target.exec(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not now'; END$$;"
        "CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON _tributary.stream EXECUTE FUNCTION refuse();"
        "ALTER TABLE _tributary.stream ENABLE ALWAYS TRIGGER refuse");
    EXPECT_EQ(release(pair.spec(api::Mode::sync), keep).exit_code == ExitCode::done,
              keep == pipeline::Keep::everything);
    EXPECT_EQ(pair.slots(), "0");
    EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
  }
}

// By hand a replication has no name: what tells it is its two ends.
TEST(ByHand, many_targets_follow_one_source) {
  StreamPair pair("by_hand", 15, 18);
  const testbed::Database other = pair.to.create_database("by_hand_too");
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init("")));
  const Following first(pair.spec(api::Mode::sync, ""));
  pair.wait_until_applied();
  api::Spec second = pair.spec(api::Mode::snapshot_and_sync, "");
  second.target = testbed::spec_between(pair.source.uri(), other.uri()).target;
  ASSERT_TRUE(done(testbed::snapshot(second)));
  EXPECT_EQ(pair.slots(), "2");
  second.mode = api::Mode::sync;
  Following following(second);
  pair.source.exec("INSERT INTO t VALUES (1)");
  pair.wait_until_applied();
  testbed::wait_until("the other has it too", [&] { return other.scalar("SELECT count(*) FROM t") == "1"; });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_EQ(release(second).exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "1");
  EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "1");
  pair.wait_until_applied();
}

TEST(ByHand, a_release_for_a_target_that_knows_nothing_of_it_touches_nothing) {
  StreamPair pair("kept", 15, 18);
  const testbed::Database other = pair.to.create_database("typo");
  ASSERT_TRUE(done(pair.init("")));
  for (const std::string& uri : {other.uri(), pair.to.uri("not there at all")}) {
    api::Spec wrong = pair.spec(api::Mode::sync, "");
    wrong.target = testbed::spec_between(pair.source.uri(), uri).target;
    const api::Report report = release(wrong);
    EXPECT_EQ(report.exit_code, ExitCode::bad_configuration) << report.message;
    EXPECT_THAT(report.hint, HasSubstr("which has tributary_kept_"));
    EXPECT_EQ(pair.slots(), "1");
  }
  Following following(pair.spec(api::Mode::sync, ""));
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_EQ(release(pair.spec(api::Mode::sync, "")).exit_code, ExitCode::done);
  EXPECT_EQ(release(pair.spec(api::Mode::sync, "")).exit_code, ExitCode::done) << "once more changes nothing";
  EXPECT_EQ(pair.slots(), "0");
}

TEST(ByHand, a_copy_of_the_target_neither_takes_nor_releases_its_stream) {
  StreamPair pair("template", 15, 18);
  ASSERT_TRUE(done(pair.init("")));
  const testbed::Database clone = pair.to.adopt_database(pair.target.name() + "_clone");
  pair.to.exec("postgres", "CREATE DATABASE \"" + clone.name() + "\" TEMPLATE \"" + pair.target.name() + "\"");
  api::Spec wrong = pair.spec(api::Mode::sync, "");
  wrong.target = testbed::spec_between(pair.source.uri(), clone.uri()).target;
  EXPECT_TRUE(failed(release(wrong), ExitCode::bad_configuration, "made for another target"));
  EXPECT_TRUE(failed(Following(wrong).wait(), ExitCode::bad_configuration, "made for another target"));
  EXPECT_EQ(pair.slots(), "1");
  wrong.mode = api::Mode::snapshot_and_sync;
  wrong.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  ASSERT_TRUE(done(testbed::snapshot(wrong)));
  EXPECT_EQ(pair.slots(), "2");
  Following following(pair.spec(api::Mode::sync, ""));
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ByHand, a_slot_that_a_killed_copy_left_is_released_without_a_ledger) {
  StreamPair pair("leftover", 15, 18);
  ASSERT_TRUE(done(pair.init("")));
  pair.target.exec("DROP SCHEMA _tributary CASCADE");
  EXPECT_EQ(release(pair.spec(api::Mode::sync, "")).exit_code, ExitCode::done);
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
}

TEST(ASnapshotWithAStream, leaves_no_slot_behind_when_it_fails) {
  StreamPair pair("no_slot", 15, 18);
  pair.target.exec("CREATE TABLE in_the_way (id int)");
  EXPECT_EQ(pair.init().exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(pair.slots(), "0");
}

TEST(ASnapshotWithAStream, replaces_the_slot_of_a_killed_attempt) {
  StreamPair pair("replaced", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("UPDATE _tributary.replication SET state = 'copying', completed = NULL");
  ASSERT_TRUE(done(pair.init()));
  EXPECT_EQ(pair.slots(), "1");
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ASnapshotWithAStream, does_not_call_its_own_publication_left_out) {
  StreamPair pair("own", 15, 18);
  pair.source.exec("CREATE PUBLICATION theirs FOR TABLE mark");
  const api::Report report = pair.init();
  ASSERT_TRUE(done(report));
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].subject, "publication theirs");
}

TEST(ASnapshotWithAStream, never_publishes_a_table_whose_updates_that_would_break) {
  StreamPair pair("keyless", 15, 18);
  pair.source.exec("CREATE TABLE keyless (n int); INSERT INTO keyless VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec("UPDATE keyless SET n = 2; DELETE FROM keyless");
  EXPECT_EQ(pair.target.scalar("SELECT stream FROM _tributary.table_state WHERE table_name = 'keyless'"),
            "not_streamed");
  EXPECT_NE(pair.target.scalar("SELECT reason FROM _tributary.table_state WHERE table_name = 'keyless'"), "");
}

}  // namespace
}  // namespace tributary::postgres::sync
