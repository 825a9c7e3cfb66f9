#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>

#include "engine/pipeline/session.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/pair.h"
#include "engine/postgres/testing/snapshot.h"

// A snapshot whose sessions break, wait or are stopped, and two engines on one replication.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::epoch_of;
using testbed::failed;
using testbed::Held;
using testbed::Pair;
using testbed::PostgresServer;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using testbed::start;
using testbed::wait_until_it_waits_for;

// ------------------------------------------------------------------------------------------ two engines

TEST(ASecondEngine, started_by_hand_is_fenced_while_the_first_is_at_work) {
  const Pair pair("two_engines");
  Held held(pair.to, pair.target);
  api::Spec spec = pair.spec("");
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  pipeline::ProgressBoard board("");
  std::future<api::Report> first = start(spec, board);
  held.wait_for_engine();
  pipeline::ProgressBoard other_board("");
  std::future<api::Report> second = start(spec, other_board);
  wait_until_it_waits_for("another engine is at work on replication ", other_board);
  const api::Report report = second.get();
  EXPECT_TRUE(failed(report, api::ExitCode::fenced, "another engine is at work on replication "));
  EXPECT_EQ(report.reason, "Fenced");
  EXPECT_EQ(pair.target.scalar("SELECT sum(epoch) FROM _tributary.replication WHERE key <> 'uid-of-nothing'"), "1");
  held.let_go();
  EXPECT_TRUE(done(first.get()));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ASecondEngine, that_is_fenced_has_made_no_role) {
  const Pair pair("fenced_roles");
  const std::string role = "fenced_" + pair.source.name();
  pair.from.exec("postgres", "CREATE ROLE \"" + role + "\"");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  std::future<api::Report> first = start(pair.spec(""), board);
  held.wait_for_engine();
  api::Spec spec = pair.spec("");
  spec.snapshot.roles = true;
  EXPECT_TRUE(failed(snapshot(spec), api::ExitCode::fenced, "another engine is at work"));
  EXPECT_EQ(pair.to.scalar("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = '" + role + "'"), "0");
  held.let_go();
  EXPECT_TRUE(done(first.get()));
  pair.from.exec("postgres", "DROP ROLE \"" + role + "\"");
}

TEST(ASecondEngine, of_a_declared_replication_waits_for_the_session_of_one_that_is_gone) {
  const Pair pair("gone");
  std::optional<testbed::Session> gone(pair.target.uri());
  gone->exec("SELECT pg_advisory_lock(hashtextextended('_tributary/uid-gone', 0))");
  pipeline::ProgressBoard board("");
  std::future<api::Report> second = start(pair.spec("uid-gone"), board);
  wait_until_it_waits_for("another engine is at work on replication uid-gone", board);
  gone.reset();
  EXPECT_TRUE(done(second.get()));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ASecondEngine, ends_a_session_of_the_first_that_holds_the_ledgers_row) {
  const Pair pair("holds_row");
  const api::Spec spec = pair.spec("uid-row");
  ASSERT_TRUE(done(snapshot(spec)));
  pair.target.exec("UPDATE _tributary.replication SET state = 'copying', completed = NULL");
  testbed::Session old(pair.target.uri());
  old.exec("SET application_name = '" + session_prefix("uid-row") +
           "writer'; BEGIN; UPDATE _tributary.replication SET moved = now() WHERE key = 'uid-row'");
  EXPECT_TRUE(done(snapshot(spec)));
  EXPECT_EQ(epoch_of(pair.target, "uid-row"), "2");
}

TEST(ASecondEngine, of_a_later_attempt_takes_over_and_the_first_never_comes_back) {
  const Pair pair("taken_over");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  std::future<api::Report> first = start(pair.spec("uid-over", 1), board);
  held.wait_for_engine();
  pipeline::ProgressBoard other_board("");
  std::future<api::Report> second = start(pair.spec("uid-over", 2), other_board);
  testbed::wait_until("the second has begun", [&] { return epoch_of(pair.target, "uid-over") == "2"; });
  held.let_go();
  EXPECT_TRUE(done(second.get()));
  EXPECT_TRUE(failed(first.get(), api::ExitCode::fenced, ""));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_TRUE(failed(snapshot(pair.spec("uid-over", 1)), api::ExitCode::fenced, "attempt 2"));
}

TEST(AnEngine, that_lost_its_epoch_commits_nothing) {
  const Pair pair("lost_epoch");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(pair.spec("uid-epoch"), board);
  held.wait_for_engine();
  pair.target.exec("UPDATE _tributary.replication SET epoch = epoch + 1 WHERE key = 'uid-epoch'");
  held.let_go();
  EXPECT_TRUE(failed(run.get(), api::ExitCode::fenced, "another engine has taken over"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM a"), "0");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM b"), "0");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.part"), "0");
}

// ------------------------------------------------------------------------------------------ broken connections

TEST(ALostConnection, of_a_reader_begins_the_snapshot_anew) {
  const Pair pair("lost_reader");
  // Travels alone and first, so that the others are still to be read.
  pair.source.exec("CREATE TABLE first AS SELECT i, repeat('x', 500) AS t FROM generate_series(1, 20000) i");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  api::Spec spec = pair.spec("uid-reader");
  spec.snapshot.parallelism = 1;
  std::future<api::Report> run = start(spec, board);
  held.wait_for_engine();
  Pair::end_sessions(pair.from, pair.source, "tributary/%");
  held.let_go();
  const api::Report report = run.get();
  EXPECT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  EXPECT_EQ(epoch_of(pair.target, "uid-reader"), "2");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ALostConnection, of_a_writer_begins_the_snapshot_anew) {
  const Pair pair("lost_writer");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(pair.spec("uid-writer"), board);
  held.wait_for_engine();
  Pair::end_sessions(pair.to, pair.target, "tributary/%/writer");
  held.let_go();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ALostConnection, lets_nothing_be_said_twice) {
  const Pair pair("said_once");
  pair.target.exec("CREATE TABLE b (a int)");
  Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  api::Spec spec = pair.spec("uid-once");
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  std::future<api::Report> run = start(spec, board);
  held.wait_for_engine();
  Pair::end_sessions(pair.to, pair.target, "tributary/%/writer");
  held.let_go();
  const api::Report report = run.get();
  EXPECT_TRUE(done(report));
  EXPECT_EQ(epoch_of(pair.target, "uid-once"), "2");
  EXPECT_EQ(std::count_if(report.findings.begin(), report.findings.end(),
                          [](const api::Finding& each) { return each.subject == "table public.b"; }),
            1);
}

TEST(ACrash, of_the_target_loses_nothing) {
  PostgresServer own(18, testbed::Flavour::logical, 7);
  const Database source = server(15).create_database("crash");
  source.exec(testbed::three_tables);
  const Database target = own.create_database("crash");
  Held held(own, target);
  pipeline::ProgressBoard board("");
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.replication = "uid-crash";
  std::future<api::Report> run = start(spec, board);
  held.wait_for_engine();
  own.kill();
  testbed::wait_until("the engine has seen it", [&] { return board.snapshot().phase == api::Phase::waiting; });
  own.start();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

TEST(ASource, that_starts_late_is_waited_for) {
  PostgresServer own(15, testbed::Flavour::logical, 7);
  const Database source = own.create_database("late");
  source.exec(testbed::three_tables);
  const Database target = server(18).create_database("late");
  own.stop();
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(spec_between(source.uri(), target.uri()), board);
  wait_until_it_waits_for("cannot connect", board);
  own.start();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

// pg_dump waits for the sequence when its server dies.
TEST(ASource, that_crashes_under_pg_dump_is_waited_for) {
  for (const int major : {13, 18}) {
    SCOPED_TRACE(major);
    PostgresServer own(major, testbed::Flavour::logical, 7);
    const Database source = own.create_database("dumped");
    source.exec(std::string(testbed::three_tables) + "; CREATE SEQUENCE held");
    const Database target = server(18).create_database("dumped");
    const api::Spec spec = spec_between(source.uri(), target.uri());
    testbed::Session other(source.uri());
    other.exec("BEGIN; ALTER SEQUENCE held OWNER TO postgres");
    pipeline::ProgressBoard board("");
    std::future<api::Report> run = start(spec, board);
    testbed::wait_until("pg_dump waits for the sequence", [&] {
      return own.scalar("postgres",
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE application_name LIKE 'tributary/pg_dump/%' AND wait_event_type = 'Lock'") == "1";
    });
    own.kill();
    testbed::wait_until("the engine has seen it", [&] { return board.snapshot().phase == api::Phase::waiting; });
    own.start();
    EXPECT_TRUE(done(run.get()));
    EXPECT_TRUE(same_content(source.uri(), target.uri()));
  }
}

TEST(AStep, that_was_cancelled_is_no_step_that_can_be_left_out) {
  const Pair pair("cancelled_step");
  pair.source.exec("COMMENT ON SCHEMA public IS 'theirs'");
  std::optional<testbed::Session> other(pair.target.uri());
  other->exec("BEGIN; COMMENT ON SCHEMA public IS 'mine'");
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(pair.spec("uid-cancelled"), board);
  const std::string waiting =
      " FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COMMENT%'"
      " AND application_name LIKE 'tributary/%/control' AND datname = '" +
      pair.target.name() + "'";
  testbed::wait_until("the step waits", [&] { return pair.to.scalar("postgres", "SELECT count(*)" + waiting) == "1"; });
  pair.to.exec("postgres", "SELECT pg_cancel_backend(pid)" + waiting);
  EXPECT_TRUE(failed(run.get(), api::ExitCode::failed, "[57014]"));
  other.reset();
  EXPECT_TRUE(done(snapshot(pair.spec("uid-cancelled"))));
  EXPECT_EQ(pair.target.scalar("SELECT obj_description('public'::regnamespace)"), "theirs");
}

TEST(ASource, of_a_declared_replication_is_waited_for_until_that_is_a_stall) {
  PostgresServer own(15, testbed::Flavour::logical, 7);
  const Database source = own.create_database("never");
  const Database target = server(18).create_database("never");
  own.stop();
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.replication = "uid-never";
  spec.snapshot.stall_timeout = Seconds{2};
  const api::Report report = snapshot(spec);
  EXPECT_TRUE(failed(report, api::ExitCode::failed, "cannot connect"));
  EXPECT_EQ(report.reason, "SourceUnreachable");
  own.start();
}

// The index of `slow` waits for us on the target, beside the rows that are still to come.
TEST(AnIndexBuild, keeps_no_session_open_on_the_source_once_all_rows_are_read) {
  const Pair pair("horizon");
  pair.source.exec(
      "CREATE FUNCTION held(int) RETURNS int IMMUTABLE LANGUAGE plpgsql"
      " AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN $1; END';"
      "CREATE TABLE longest AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 60000) i;"
      "CREATE TABLE slow AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 9000) i;"
      "CREATE INDEX ON slow (held(i));"
      "CREATE TABLE last AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 6000) i");
  testbed::Session holder(pair.target.uri());
  holder.exec("SELECT pg_advisory_lock(42)");
  api::Spec spec = pair.spec("uid-horizon");
  spec.snapshot.parallelism = 2;
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(spec, board);
  testbed::wait_until("all rows are copied", [&] { return board.snapshot().phase == api::Phase::indexing; });
  testbed::wait_until("no transaction is open on the source", [&] {
    return pair.source.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
               " AND application_name LIKE 'tributary/%' AND xact_start IS NOT NULL") == "0";
  });
  EXPECT_EQ(board.snapshot().phase, api::Phase::indexing);
  holder.exec("SELECT pg_advisory_unlock(42)");
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// ------------------------------------------------------------------------------------------ stops

TEST(AStop, ends_the_copy_at_once_and_leaves_no_session) {
  const Pair pair("stopped");
  Held held(pair.to, pair.target);
  const api::Spec spec = pair.spec("uid-stop");
  std::stop_source stop;
  std::future<api::Report> run = std::async(std::launch::async, [&] {
    const auto servers = make_servers(spec);
    pipeline::ProgressBoard board("");
    return pipeline::run_snapshot(spec, *servers, board, {Deadline::never(), stop.get_token()});
  });
  held.wait_for_engine();
  stop.request_stop();
  const api::Report report = run.get();  // while the lock is still held
  EXPECT_TRUE(failed(report, api::ExitCode::failed, ""));
  EXPECT_EQ(report.reason, "Stopped");
  testbed::wait_until("no session is left", [&] {
    return testbed::sessions(pair.to, pair.target.name(), "tributary/%") == 0 &&
           testbed::sessions(pair.from, pair.source.name(), "tributary/%") == 0;
  });
  held.let_go();
  EXPECT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

}  // namespace
}  // namespace tributary::postgres
