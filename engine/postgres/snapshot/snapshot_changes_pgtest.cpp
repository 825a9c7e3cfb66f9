#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "engine/postgres/schema/dump.h"
#include "engine/postgres/schema/sequences.h"
#include "engine/postgres/snapshot/source.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/pair.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/snapshot.h"

// A snapshot whose tables are locked, rewritten or dropped meanwhile, or partly there from a run before.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::Pair;
using testbed::PostgresServer;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using testbed::start;
using ::testing::HasSubstr;

// ------------------------------------------------------------------------------------------ locks and rewrites

Until soon() {
  return {Deadline::after(Seconds{60}), {}};
}

std::unique_ptr<Source> open_source(const Pair& pair, const std::vector<std::string>& tables = {}) {
  api::Selection selection;
  selection.include_tables = tables;
  Source::Options options;
  options.database = pair.source.name();
  options.selection = pipeline::Selection::parse(selection).value();
  options.pg_dump = testbed::client_program("pg_dump");
  return Source::open([&] { return parse_conninfo(pair.source.uri()); }, options, soon()).value();
}

// Takes a snapshot while the transaction of another session holds a table: it commits once the snapshot waits for it.
Result<pipeline::SnapshotInfo> snapshot_beside(const Pair& pair, Source& source, const std::string& transaction) {
  testbed::Session other(pair.source.uri());
  other.exec("BEGIN; " + transaction);
  auto opened = std::async(std::launch::async, [&] { return source.open_snapshot(std::nullopt, soon()); });
  testbed::wait_until("the snapshot is taken and waits for the table", [&] {
    return pair.source.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/coordinator'"
               " AND wait_event_type = 'Lock' AND datname = current_database()") == "1";
  });
  other.exec("COMMIT");
  return opened.get();
}

TEST(ATable, that_is_rewritten_while_the_snapshot_is_taken_never_counts_as_copied_empty) {
  const Pair pair("rewritten");
  const std::unique_ptr<Source> source = open_source(pair);
  const auto first = snapshot_beside(pair, *source, "TRUNCATE b; INSERT INTO b VALUES (1)");
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("public.b was rewritten"));
  EXPECT_TRUE(source->open_snapshot(std::nullopt, soon()));
}

TEST(ATable, that_is_dropped_while_the_snapshot_is_taken_asks_for_another_snapshot) {
  const Pair pair("vanished");
  const std::unique_ptr<Source> source = open_source(pair);
  const auto first = snapshot_beside(pair, *source, "DROP TABLE b");
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("dropped or renamed"));
  EXPECT_TRUE(source->open_snapshot(std::nullopt, soon()));
}

TEST(ATable, that_is_swapped_by_renaming_while_the_snapshot_is_taken_never_counts_as_copied) {
  const Pair pair("swapped");
  const std::unique_ptr<Source> source = open_source(pair);
  const auto first = snapshot_beside(
      pair, *source, "ALTER TABLE b RENAME TO b_old; CREATE TABLE b (LIKE b_old); INSERT INTO b SELECT * FROM b_old");
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("table public.b was renamed"));
  EXPECT_TRUE(source->open_snapshot(std::nullopt, soon()));
}

TEST(AColumn, that_is_dropped_and_added_while_the_snapshot_is_taken_never_counts_as_copied_empty) {
  const Pair pair("readded");
  const std::unique_ptr<Source> source = open_source(pair);
  const auto first = snapshot_beside(pair, *source, "ALTER TABLE a DROP COLUMN t, ADD COLUMN t text");
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().fault, Fault::transient);
  EXPECT_THAT(first.error().what, HasSubstr("table public.a had columns dropped or renamed"));
  EXPECT_TRUE(source->open_snapshot(std::nullopt, soon()));
}

// A whole run: the second table is read after the swap.
TEST(ASchema, that_is_swapped_by_renaming_amid_the_copy_is_copied_as_it_is_then) {
  const Pair pair("swapped_schemas");
  pair.source.exec(
      "CREATE TABLE first AS SELECT i, repeat('x', 500) AS t FROM generate_series(1, 20000) i;"
      "CREATE SCHEMA app; CREATE TABLE app.t AS SELECT generate_series(1, 5) AS i;"
      "CREATE SCHEMA app_new; CREATE TABLE app_new.t AS SELECT generate_series(1, 9) AS i");
  testbed::Held held(pair.to, pair.target);
  pipeline::ProgressBoard board("");
  api::Spec spec = pair.spec("uid-swapped");
  spec.snapshot.parallelism = 1;
  std::future<api::Report> run = start(spec, board);
  held.wait_for_engine();
  pair.source.exec(
      "ALTER SCHEMA app RENAME TO aside; ALTER SCHEMA app_new RENAME TO app; ALTER SCHEMA aside RENAME TO app_new");
  held.let_go();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ATable, that_is_not_selected_and_dropped_before_the_dump_asks_for_another_snapshot) {
  const Pair pair("vanished_other");
  const std::unique_ptr<Source> source = open_source(pair, {pair.source.name() + ".c"});
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  pair.source.exec("DROP TABLE b");
  const Result<pipeline::Schema> schema = source->schema(soon());
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().fault, Fault::transient) << schema.error().what;
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  EXPECT_TRUE(source->schema(soon()));
}

TEST(ATable, that_is_dropped_before_pg_dump_has_locked_it_asks_for_another_snapshot) {
  const Pair pair("vanished_dump");
  testbed::Session holder(pair.source.uri());
  holder.exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  DumpRequest request;
  request.pg_dump = testbed::client_program("pg_dump");
  request.encoding = "UTF8";
  request.source = parse_conninfo(pair.source.uri()).value();
  request.snapshot = holder.scalar("SELECT pg_export_snapshot()");
  pair.source.exec("DROP TABLE b");
  const Result<Toc> dumped = dump_schema(request, soon());
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().fault, Fault::transient) << dumped.error().what;
}

TEST(ASequence, that_is_dropped_after_the_snapshot_asks_for_another_snapshot) {
  const Pair pair("vanished_sequence");
  pair.source.exec("CREATE SEQUENCE s");
  Connection connection = Connection::open(parse_conninfo(pair.source.uri()).value(), {}, soon()).value();
  const auto id = static_cast<std::uint32_t>(std::stoul(pair.source.scalar("SELECT 's'::regclass::oid")));
  const std::vector<Sequence> sequences{{id, {"public", "s"}}};
  EXPECT_TRUE(read_sequences(connection, sequences, soon()));
  pair.source.exec("DROP SEQUENCE s");
  const auto gone = read_sequences(connection, sequences, soon());
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

TEST(ARunThatResumes, keeps_no_table_that_somebody_has_emptied) {
  const Pair pair("emptied");
  api::Spec spec = spec_between(pair.source.uri(), pair.target.uri());
  spec.replication = "uid-emptied";
  ASSERT_TRUE(done(snapshot(spec)));
  forget_the_end(pair.target, "c");
  pair.target.exec("TRUNCATE a CASCADE");
  spec.snapshot.resume_per_table = true;
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
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
