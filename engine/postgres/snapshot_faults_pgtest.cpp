#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "engine/pipeline/session.h"
#include "engine/postgres/dump.h"
#include "engine/postgres/sequences.h"
#include "engine/postgres/servers.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/source.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// A snapshot whose connections break, whose tables are locked or rewritten, and two engines on one replication.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::failed;
using testbed::Held;
using testbed::PostgresServer;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::HasSubstr;

constexpr const char* three_tables =
    "CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a SELECT i, repeat('x', i % 50) FROM"
    " generate_series(1, 2000) i; CREATE TABLE b (a int REFERENCES a); INSERT INTO b SELECT i FROM"
    " generate_series(1, 1000) i; CREATE TABLE c (id serial); INSERT INTO c SELECT FROM generate_series(1, 7)";

struct Pair {
  explicit Pair(const std::string& name)
      : from(server(15)), to(server(18)), source(from.create_database(name)), target(to.create_database(name)) {
    source.exec(three_tables);
  }
  api::Spec spec(const std::string& replication, int attempt = 0) const {
    api::Spec made = spec_between(source.uri(), target.uri());
    made.replication = replication;
    made.attempt = attempt;
    return made;
  }
  // Ends this side's sessions of the engine.
  static void end_sessions(PostgresServer& of, const Database& database, const std::string& pattern) {
    of.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database.name() +
                            "' AND application_name LIKE '" + pattern + "'");
  }
  PostgresServer& from;
  PostgresServer& to;
  Database source;
  Database target;
};

std::future<api::Report> start(const api::Spec& spec, pipeline::ProgressBoard& board) {
  return std::async(std::launch::async, [&board, spec] { return snapshot(spec, board); });
}

std::string epoch_of(const Database& target, const std::string& replication) {
  return target.scalar("SELECT epoch FROM _tributary.replication WHERE key = '" + replication + "'");
}

// ------------------------------------------------------------------------------------------ two engines

// Until the run says that it waits for `words`.
void wait_until_it_waits_for(const std::string& words, const pipeline::ProgressBoard& board) {
  testbed::wait_until("the engine waits: " + words, [&] {
    const api::Progress progress = board.snapshot();
    return progress.phase == api::Phase::waiting && progress.message.find(words) != std::string::npos;
  });
}

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
  source.exec(three_tables);
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
  source.exec(three_tables);
  const Database target = server(18).create_database("late");
  own.stop();
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(spec_between(source.uri(), target.uri()), board);
  wait_until_it_waits_for("cannot connect", board);
  own.start();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
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

// ------------------------------------------------------------------------------------------ locks and rewrites

TEST(ATable, that_is_rewritten_while_the_snapshot_is_taken_never_counts_as_copied_empty) {
  const Pair pair("rewritten");
  const Until until{Deadline::after(Seconds{60}), {}};
  Source::Options options{pair.source.name(), pipeline::Selection::parse({}).value(), "", {}, Milliseconds{30'000}};
  const auto connect = [&] { return parse_conninfo(pair.source.uri()); };
  const std::unique_ptr<Source> source = Source::open(connect, options, until).value();
  testbed::Session other(pair.source.uri());
  other.exec("BEGIN; TRUNCATE b; INSERT INTO b VALUES (1)");
  auto opened = std::async(std::launch::async, [&] { return source->open_snapshot(until); });
  testbed::wait_until("the snapshot is taken and waits for the table", [&] {
    return pair.source.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/coordinator'"
               " AND wait_event_type = 'Lock' AND datname = current_database()") == "1";
  });
  other.exec("COMMIT");
  const Result<pipeline::SnapshotInfo> first = opened.get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("public.b was rewritten"));
  EXPECT_TRUE(source->open_snapshot(until));
}

TEST(ATable, that_is_dropped_while_the_snapshot_is_taken_asks_for_another_snapshot) {
  const Pair pair("vanished");
  const Until until{Deadline::after(Seconds{60}), {}};
  Source::Options options{pair.source.name(), pipeline::Selection::parse({}).value(), "", {}, Milliseconds{30'000}};
  const auto connect = [&] { return parse_conninfo(pair.source.uri()); };
  const std::unique_ptr<Source> source = Source::open(connect, options, until).value();
  testbed::Session other(pair.source.uri());
  other.exec("BEGIN; DROP TABLE b");
  auto opened = std::async(std::launch::async, [&] { return source->open_snapshot(until); });
  testbed::wait_until("the snapshot is taken and waits for the table", [&] {
    return pair.source.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/coordinator'"
               " AND wait_event_type = 'Lock' AND datname = current_database()") == "1";
  });
  other.exec("COMMIT");
  const Result<pipeline::SnapshotInfo> first = opened.get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("dropped or renamed"));
  EXPECT_TRUE(source->open_snapshot(until));
}

TEST(ATable, that_is_not_selected_and_dropped_before_the_dump_asks_for_another_snapshot) {
  const Pair pair("vanished_other");
  const Until until{Deadline::after(Seconds{60}), {}};
  api::Selection selection;
  selection.include_tables = {pair.source.name() + ".c"};
  Source::Options options{pair.source.name(),
                          pipeline::Selection::parse(selection).value(),
                          testbed::client_program("pg_dump"),
                          {},
                          Milliseconds{30'000}};
  const auto connect = [&] { return parse_conninfo(pair.source.uri()); };
  const std::unique_ptr<Source> source = Source::open(connect, options, until).value();
  ASSERT_TRUE(source->open_snapshot(until));
  pair.source.exec("DROP TABLE b");
  const Result<pipeline::Schema> schema = source->schema(until);
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().fault, Fault::transient) << schema.error().what;
  ASSERT_TRUE(source->open_snapshot(until));
  EXPECT_TRUE(source->schema(until));
}

TEST(ATable, that_is_dropped_before_pg_dump_has_locked_it_asks_for_another_snapshot) {
  const Pair pair("vanished_dump");
  const Until until{Deadline::after(Seconds{60}), {}};
  testbed::Session holder(pair.source.uri());
  holder.exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  DumpRequest request;
  request.pg_dump = testbed::client_program("pg_dump");
  request.encoding = "UTF8";
  request.source = parse_conninfo(pair.source.uri()).value();
  request.snapshot = holder.scalar("SELECT pg_export_snapshot()");
  pair.source.exec("DROP TABLE b");
  const Result<Toc> dumped = dump_schema(request, until);
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().fault, Fault::transient) << dumped.error().what;
}

TEST(ASequence, that_is_dropped_after_the_snapshot_asks_for_another_snapshot) {
  const Pair pair("vanished_sequence");
  pair.source.exec("CREATE SEQUENCE s");
  const Until until{Deadline::after(Seconds{60}), {}};
  Connection connection = Connection::open(parse_conninfo(pair.source.uri()).value(), {}, until).value();
  const std::vector<model::Name> names{{"public", "s"}};
  EXPECT_TRUE(read_sequences(connection, names, until));
  pair.source.exec("DROP SEQUENCE s");
  const auto gone = read_sequences(connection, names, until);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().fault, Fault::transient);
}

TEST(ATable, that_is_locked_is_waited_for_and_its_holder_named) {
  const Pair pair("locked");
  std::optional<testbed::Session> other(pair.source.uri());
  other->exec("SET application_name = 'a migration'; BEGIN; LOCK TABLE a");
  pipeline::ProgressBoard board("");
  std::future<api::Report> run = start(pair.spec(""), board);
  testbed::wait_until("the engine waits", [&] { return board.snapshot().phase == api::Phase::waiting; });
  EXPECT_EQ(pair.target.scalar("SELECT to_regclass('a') IS NULL"), "t");
  other.reset();
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

// ------------------------------------------------------------------------------------------ resuming

// As a run leaves it that ended after some tables: done but for `open`.
void forget_the_end(const Database& target, const std::string& open) {
  target.exec(
      "UPDATE _tributary.replication SET state = 'copying', completed = NULL;"
      "UPDATE _tributary.table_state SET state = 'copying', parts_done = 0 WHERE table_name = '" +
      open +
      "';"
      "DELETE FROM _tributary.part WHERE table_name = '" +
      open + "'; TRUNCATE " + open);
}

TEST(ARunThatResumes, keeps_finished_tables_and_says_so) {
  const Pair pair("resumed");
  api::Spec spec = pair.spec("uid-resumed");
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(pair.target, "c");
  pair.target.exec("INSERT INTO a VALUES (0, 'a mark that only a kept table has')");
  spec.snapshot.resume_per_table = true;
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::per_table);
  EXPECT_EQ(report.databases.at(0).rows, 3007U);
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM a WHERE id = 0"), "1");
  pair.target.exec("DELETE FROM a WHERE id = 0");
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
  // It stays said when nothing is left to do.
  EXPECT_EQ(snapshot(spec).consistency, api::Consistency::per_table);
}

TEST(ARunThatResumes, begins_anew_where_it_was_not_asked_to_keep) {
  const Pair pair("anew");
  const api::Spec spec = pair.spec("uid-anew");
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(pair.target, "c");
  pair.target.exec("INSERT INTO a VALUES (0, 'mine')");
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ARunThatResumes, begins_anew_where_the_schema_has_changed) {
  const Pair pair("changed");
  api::Spec spec = pair.spec("uid-changed");
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(pair.target, "c");
  pair.source.exec("ALTER TABLE a ADD COLUMN n int DEFAULT 7");
  spec.snapshot.resume_per_table = true;
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ARunThatResumes, keeps_no_unlogged_table_that_a_crash_has_emptied) {
  PostgresServer own(18, testbed::Flavour::logical, 7);
  const Pair pair("unlogged");
  const Database target = own.create_database("unlogged");
  pair.source.exec("CREATE UNLOGGED TABLE u AS SELECT generate_series(1, 100) AS i");
  api::Spec spec = spec_between(pair.source.uri(), target.uri());
  spec.replication = "uid-unlogged";
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(target, "c");
  own.kill();
  own.start();
  spec.snapshot.resume_per_table = true;
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(pair.source.uri(), target.uri()));
}

TEST(ARunThatResumes, with_a_selection_of_tables_finds_its_own_again) {
  const Pair pair("selection");
  api::Spec spec = spec_between(pair.source.uri(), pair.target.uri());
  spec.selection.include_tables = {pair.source.name() + ".a", pair.source.name() + ".c"};
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(pair.target, "c");
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM a"), "2000");
}

}  // namespace
}  // namespace tributary::postgres
