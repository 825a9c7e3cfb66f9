#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "engine/postgres/schema/dump.h"
#include "engine/postgres/snapshot/source.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/snapshot.h"

// What another session does to a source between its snapshot and a COPY under that, on an old and on a new server.
namespace tributary::postgres {
namespace {

using testbed::Database;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Until soon() {
  return {Deadline::after(Seconds{60}), {}};
}

Result<std::uint64_t> rows_of(pipeline::SourceReader& reader, const model::Table& table,
                              const model::CopyPart& part = {}) {
  const std::unique_ptr<pipeline::CopyStream> stream = TRY(reader.open(table, part, soon()));
  while (!TRY(stream->next(soon())).empty()) {
  }
  return stream->rows();
}

const std::string asleep = " FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

class ASource : public ::testing::TestWithParam<int> {
 protected:
  // Under a snapshot.
  std::unique_ptr<Source> open(const std::string& pg_dump = testbed::client_program("pg_dump")) {
    Source::Options options;
    options.database = database_.name();
    options.selection = pipeline::Selection::parse(api::Selection{}).value();
    options.pg_dump = pg_dump;
    auto source = Source::open([&] { return parse_conninfo(database_.uri()); }, options, soon()).value();
    const Result<pipeline::SnapshotInfo> opened = source->open_snapshot(std::nullopt, soon());
    EXPECT_TRUE(opened) << opened.error().what;
    return source;
  }

  static model::Table table_of(Source& source, const model::Name& name) {
    const std::vector<model::Table> tables = source.tables(soon()).value();
    for (const model::Table& table : tables)
      if (table.name == name) return table;
    ADD_FAILURE() << "no table " << display(name);
    return {};
  }

  void end_coordinator() {
    const std::string coordinators =
        " FROM pg_stat_activity WHERE application_name = 'tributary/coordinator' AND datname = current_database()";
    database_.exec("SELECT pg_terminate_backend(pid)" + coordinators);
    testbed::wait_until("the coordinator is gone",
                        [&] { return database_.scalar("SELECT count(*)" + coordinators) == "0"; });
  }

  template <class T>
  static void expect_another_snapshot(const Result<T>& result, const std::string& why) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::transient) << result.error().what;
    EXPECT_THAT(result.error().what, HasSubstr(why));
    EXPECT_THAT(result.error().hint, HasSubstr("a new snapshot"));
  }

  Database database_ = testbed::server(GetParam()).create_database("source_changes");
};

INSTANTIATE_TEST_SUITE_P(Majors, ASource, ::testing::Values(12, 18));

constexpr const char* two_schemas =
    "CREATE SCHEMA app; CREATE TABLE app.t AS SELECT generate_series(1, 5) AS i; CREATE SEQUENCE app.s;"
    "CREATE SCHEMA app_new; CREATE TABLE app_new.t AS SELECT generate_series(1, 9) AS i; CREATE SEQUENCE app_new.s";
constexpr const char* swap_schemas =
    "ALTER SCHEMA app RENAME TO aside; ALTER SCHEMA app_new RENAME TO app; ALTER SCHEMA aside RENAME TO app_new";

TEST_P(ASource, whose_schemas_are_swapped_by_renaming_gives_no_rows_of_the_other_table) {
  database_.exec(two_schemas);
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"app", "t"});
  const auto reader = source->reader(soon()).value();
  database_.exec(swap_schemas);
  expect_another_snapshot(rows_of(*reader, table), "the table was renamed or dropped, or its schema was, by another");
}

TEST_P(ASource, whose_schemas_are_swapped_while_a_table_is_read_does_not_say_that_it_was) {
  database_.exec(two_schemas);
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"app", "t"});
  const auto reader = source->reader(soon()).value();
  const auto stream = reader->open(table, {}, soon()).value();
  database_.exec(swap_schemas);
  const auto read = [&]() -> Result<void> {
    while (!TRY(stream->next(soon())).empty()) {
    }
    return {};
  };
  expect_another_snapshot(read(), "the table was renamed or dropped");
}

TEST_P(ASource, whose_schema_is_renamed_away_asks_for_another_snapshot) {
  database_.exec(two_schemas);
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"app", "t"});
  const auto reader = source->reader(soon()).value();
  database_.exec("ALTER SCHEMA app RENAME TO app_old");
  expect_another_snapshot(rows_of(*reader, table), "the table was renamed or dropped");
}

TEST_P(ASource, whose_schemas_are_swapped_before_pg_dump_gives_no_schema_of_two_moments) {
  database_.exec(two_schemas);
  const std::unique_ptr<Source> source = open();
  database_.exec(swap_schemas);
  expect_another_snapshot(source->schema(soon()), "table app.t was renamed or dropped");
}

TEST_P(ASource, whose_sequences_are_swapped_by_renaming_gives_no_value_of_the_other) {
  database_.exec(two_schemas);
  const std::unique_ptr<Source> source = open();
  ASSERT_TRUE(source->schema(soon()));
  ASSERT_TRUE(source->sequences(soon()));
  database_.exec(swap_schemas);
  expect_another_snapshot(source->sequences(soon()), "sequence app.s was renamed or dropped");
}

// Its locks go with it, and the readers read on.
TEST_P(ASource, that_has_lost_its_coordinator_reads_no_table_that_was_renamed_rewritten_or_dropped) {
  struct Case {
    const char* statement;
    const char* why;
  };
  for (const Case& each :
       {Case{"ALTER TABLE t RENAME TO old; CREATE TABLE t (LIKE old)", "the table was renamed or dropped"},
        Case{"TRUNCATE t", "the table was rewritten"}, Case{"DROP TABLE t", "the table was renamed or dropped"},
        Case{"ALTER TABLE t DROP COLUMN word, ADD COLUMN word text", "the table had columns dropped or renamed"},
        Case{"ALTER TABLE t RENAME word TO other", "column \"word\" of relation \"public.t\" does not exist"}}) {
    SCOPED_TRACE(each.statement);
    database_.exec(
        "DROP TABLE IF EXISTS t, old; CREATE TABLE t AS SELECT i, 'word' AS word"
        " FROM generate_series(1, 5) AS i");
    const std::unique_ptr<Source> source = open();
    const model::Table table = table_of(*source, {"public", "t"});
    const auto reader = source->reader(soon()).value();
    end_coordinator();
    database_.exec(each.statement);
    expect_another_snapshot(rows_of(*reader, table), each.why);
  }
}

TEST_P(ASource, reads_on_beside_what_does_not_touch_its_rows) {
  database_.exec("CREATE TABLE t AS SELECT i, 'word' AS word FROM generate_series(1, 5) AS i");
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"public", "t"});
  const auto reader = source->reader(soon()).value();
  end_coordinator();
  database_.exec(
      "GRANT SELECT ON t TO PUBLIC; ALTER TABLE t ALTER word SET DEFAULT 'x', ALTER word SET STATISTICS 7;"
      "ALTER TABLE t ADD COLUMN more int; ANALYZE t; GRANT USAGE ON SCHEMA public TO PUBLIC; DELETE FROM t");
  const Result<std::uint64_t> rows = rows_of(*reader, table);
  ASSERT_TRUE(rows) << rows.error().what;
  EXPECT_EQ(*rows, 5U);
}

TEST_P(ASource, that_has_lost_its_coordinator_lets_no_reader_in_and_says_why) {
  database_.exec("CREATE TABLE t (i int)");
  const std::unique_ptr<Source> source = open();
  end_coordinator();
  const auto reader = source->reader(soon());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().fault, Fault::transient);
  EXPECT_THAT(reader.error().what, AllOf(StartsWith("the session that held the snapshot has ended"),
                                         ::testing::Not(HasSubstr("values of rows"))));
}

// The file of an exported snapshot is removed by the end of its transaction, and a moment after it.
TEST_P(ASource, whose_coordinator_is_about_to_end_lets_no_reader_in_and_says_why) {
  database_.exec("CREATE TABLE t (i int)");
  const std::unique_ptr<Source> source = open();
  database_.exec("COPY (SELECT) TO PROGRAM 'rm -rf kept_snapshots && cp -r pg_snapshots kept_snapshots'");
  end_coordinator();
  database_.exec("COPY (SELECT) TO PROGRAM 'cp kept_snapshots/* pg_snapshots'");
  expect_another_snapshot(source->reader(soon()), "the session that held the snapshot has ended");
}

TEST_P(ASource, takes_no_view_of_a_slot_whose_snapshot_has_ended) {
  const std::unique_ptr<Source> source = open();
  const std::string gone = database_.scalar("SELECT pg_export_snapshot()");
  expect_another_snapshot(source->open_snapshot(NewSlot{{}, gone}, soon()),
                          "the session that held the snapshot has ended");
}

DumpRequest dump_of(const Database& database) {
  DumpRequest request;
  request.pg_dump = testbed::client_program("pg_dump");
  request.encoding = "UTF8";
  request.source = parse_conninfo(database.uri()).value();
  return request;
}

TEST_P(ASource, whose_snapshot_has_ended_before_pg_dump_joins_it_asks_for_another) {
  DumpRequest request = dump_of(database_);
  {
    testbed::Session holder(database_.uri());
    holder.exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
    request.snapshot = holder.scalar("SELECT pg_export_snapshot()");
    holder.exec("COMMIT");
  }
  expect_another_snapshot(dump_schema(request, soon()), "pg_dump ended with status 1");
}

TEST_P(ASource, that_ends_the_session_of_pg_dump_was_lost_and_not_in_its_way) {
  database_.exec("CREATE TABLE t (i int)");
  testbed::Session other(database_.uri());
  other.exec("BEGIN; LOCK TABLE t");
  auto run = std::async(std::launch::async, [&] { return dump_schema(dump_of(database_), soon()); });
  const std::string dumps =
      " FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'"
      " AND datname = current_database()";
  testbed::wait_until("pg_dump waits", [&] { return database_.scalar("SELECT count(*)" + dumps) == "1"; });
  database_.exec("SELECT pg_terminate_backend(pid)" + dumps);
  const Result<Toc> dumped = run.get();
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().fault, Fault::transient);
  EXPECT_THAT(dumped.error().what,
              AllOf(StartsWith("pg_dump ended with status 1"), HasSubstr("closed the connection")));
}

TEST_P(ASource, is_at_work_while_a_statement_of_its_own_runs) {
  database_.exec(
      "CREATE TABLE config AS SELECT 1 AS i; CREATE EXTENSION citext; ALTER EXTENSION citext ADD TABLE config;"
      "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid],"
      " extcondition = ARRAY['WHERE pg_sleep(600) IS NOT NULL'] WHERE extname = 'citext'");
  const std::unique_ptr<Source> source = open();
  const std::unique_ptr<Source> other = open();
  EXPECT_FALSE(source->at_work(soon()).value());
  const model::Table table = table_of(*source, {"public", "config"});
  const auto reader = source->reader(soon()).value();
  auto reading = std::async(std::launch::async, [&] { return rows_of(*reader, table); });
  testbed::wait_until("it reads", [&] { return database_.scalar("SELECT count(*)" + asleep) == "1"; });
  EXPECT_TRUE(source->at_work(soon()).value());
  EXPECT_FALSE(other->at_work(soon()).value());
  database_.exec("SELECT pg_cancel_backend(pid)" + asleep);
  EXPECT_FALSE(reading.get());
  EXPECT_FALSE(source->at_work(soon()).value());
}

TEST_P(ASource, is_not_at_work_while_its_statement_waits_for_a_lock) {
  database_.exec("CREATE TABLE t (i int)");
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"public", "t"});
  const auto reader = source->reader(soon()).value();
  end_coordinator();
  testbed::Session other(database_.uri());
  other.exec("BEGIN; LOCK TABLE t");
  auto reading = std::async(std::launch::async, [&] { return rows_of(*reader, table); });
  const std::string waiting =
      " FROM pg_stat_activity WHERE application_name = 'tributary/reader' AND wait_event_type = 'Lock'"
      " AND datname = current_database()";
  testbed::wait_until("it waits", [&] { return database_.scalar("SELECT count(*)" + waiting) == "1"; });
  EXPECT_FALSE(source->at_work(soon()).value());
  other.exec("ROLLBACK");
  EXPECT_TRUE(reading.get());
}

// A program that takes its time in the place of pg_dump.
TEST_P(ASource, is_at_work_while_pg_dump_runs) {
  const std::string path = ::testing::TempDir() + database_.name() + "." + std::to_string(getpid()) + ".sh";
  std::ofstream(path) << "#!/bin/sh\nfor word; do :; done\nexec '" << testbed::client_program("psql")
                      << "' -X -c 'SELECT pg_sleep(600)' \"${word#--dbname=}\"\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const std::unique_ptr<Source> source = open(path);
  const std::unique_ptr<Source> other = open();
  auto reading = std::async(std::launch::async, [&] { return source->schema(soon()).ok(); });
  testbed::wait_until("it runs", [&] { return database_.scalar("SELECT count(*)" + asleep) == "1"; });
  EXPECT_TRUE(source->at_work(soon()).value());
  EXPECT_FALSE(other->at_work(soon()).value());
  database_.exec("SELECT pg_cancel_backend(pid)" + asleep);
  EXPECT_FALSE(reading.get());
  std::filesystem::remove(path);
}

TEST_P(ASource, reads_each_row_of_an_extensions_table_once_whatever_its_filter_says) {
  database_.exec(
      "CREATE TABLE config (a int, own bool, other bool); CREATE EXTENSION citext;"
      "ALTER EXTENSION citext ADD TABLE config;"
      "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = ARRAY['WHERE own OR other']"
      " WHERE extname = 'citext';"
      "INSERT INTO config SELECT i, i % 2 = 0, i % 3 = 0 FROM generate_series(1, 3000) AS i");
  const std::unique_ptr<Source> source = open();
  const model::Table table = table_of(*source, {"public", "config"});
  const auto reader = source->reader(soon()).value();
  std::uint64_t rows = 0;
  for (int number = 0; number < 2; ++number) {
    model::CopyPart part{0, number, 2};
    part.first_page = number == 0 ? 0 : 4;
    part.end_page = number == 0 ? 4 : 0;
    const Result<std::uint64_t> some = rows_of(*reader, table, part);
    ASSERT_TRUE(some) << some.error().what;
    EXPECT_GT(*some, 0U);
    rows += *some;
  }
  EXPECT_EQ(std::to_string(rows), database_.scalar("SELECT count(*) FROM config WHERE own OR other"));
}

}  // namespace
}  // namespace tributary::postgres
