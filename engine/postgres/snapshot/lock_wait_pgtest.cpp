#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "engine/postgres/schema/dump.h"
#include "engine/postgres/snapshot/source.h"
#include "engine/postgres/testing/pair.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/snapshot.h"

// Sessions of a copy that would have to wait behind somebody who waits for the copy.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::Pair;
using ::testing::AllOf;
using ::testing::HasSubstr;

Until soon() {
  return {Deadline::after(Seconds{60}), {}};
}

std::unique_ptr<Source> open_source(const Database& database, const api::Selection& selection = {}) {
  Source::Options options;
  options.database = database.name();
  options.selection = pipeline::Selection::parse(selection).value();
  options.pg_dump = testbed::client_program("pg_dump");
  options.lock_timeout = Milliseconds{200};
  return Source::open([uri = database.uri()] { return parse_conninfo(uri); }, std::move(options), soon()).value();
}

// A session that does something as soon as it gets the table; it exists once it waits for that.
class Waiting {
 public:
  Waiting(const Database& database, const std::string& application, const std::string& sql)
      : ended_(std::async(std::launch::async, [uri = database.uri(), application, sql] {
          testbed::Session session(uri);
          session.exec("SET application_name = '" + application + "'; SET lock_timeout = '60s'");
          session.exec(sql);
        })) {
    testbed::wait_until(application + " waits for its table", [&] {
      return database.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + application +
                             "' AND wait_event_type = 'Lock' AND datname = current_database()") == "1";
    });
  }
  void end() { ended_.get(); }

 private:
  std::future<void> ended_;
};

struct Migration : Waiting {
  Migration(const Database& database, const std::string& sql) : Waiting(database, "a migration", sql) {}
};

const model::Table& named(const std::vector<model::Table>& tables, const std::string& name) {
  return *std::find_if(tables.begin(), tables.end(), [&](const model::Table& each) { return each.name.name == name; });
}

Result<std::uint64_t> rows_of(pipeline::SourceReader& reader, const model::Table& table,
                              const model::CopyPart& part = {}) {
  const std::unique_ptr<pipeline::CopyStream> stream = TRY(reader.open(table, part, soon()));
  while (!TRY(stream->next(soon())).empty()) {
  }
  return stream->rows();
}

TEST(AReader, that_comes_behind_a_change_of_its_table_lets_it_pass_and_the_next_snapshot_has_the_table) {
  const Pair pair("queued");
  const std::unique_ptr<Source> source = open_source(pair.source);
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  const std::vector<model::Table> tables = source->tables(soon()).value();
  Migration migration(pair.source, "ALTER TABLE b ADD COLUMN late int");
  std::unique_ptr<pipeline::SourceReader> reader = source->reader(soon()).value();
  EXPECT_EQ(rows_of(*reader, named(tables, "a")).value(), 2000U);
  const Result<std::uint64_t> behind = rows_of(*reader, named(tables, "b"));
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().fault, Fault::transient);
  EXPECT_THAT(behind.error().what, AllOf(HasSubstr("public.b"), HasSubstr("'a migration'"), HasSubstr("waits for")));
  reader.reset();
  source->close_snapshot();
  migration.end();
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  const std::vector<model::Table> altered = source->tables(soon()).value();
  reader = source->reader(soon()).value();
  EXPECT_EQ(rows_of(*reader, named(altered, "b")).value(), 1000U);
}

TEST(ASnapshot, is_given_up_for_who_waits_for_it_alone_and_keeps_others_waiting) {
  const Pair pair("watched");
  const std::unique_ptr<Source> source = open_source(pair.source);
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  testbed::Session other(pair.source.uri());
  other.exec("SET application_name = 'a report'; BEGIN; LOCK TABLE b IN ACCESS SHARE MODE");
  EXPECT_TRUE(source->watch(soon()));
  Migration migration(pair.source, "ALTER TABLE b ADD COLUMN late int");
  const auto goes_on = [&] {
    for (int look = 0; look < 3; ++look) {
      EXPECT_TRUE(source->watch(soon()));
      pair.source.exec("SELECT pg_sleep(0.25)");
    }
  };
  goes_on();  // letting go would not help the migration
  other.exec("COMMIT");
  goes_on();  // nobody suffers but the migration
  Waiting user(pair.source, "a user", "TABLE b");
  Result<void> watched;
  testbed::wait_until("the copy gives way", [&] { return !(watched = source->watch(soon())); });
  EXPECT_EQ(watched.error().fault, Fault::transient);
  EXPECT_THAT(watched.error().what, AllOf(HasSubstr("public.b"), HasSubstr("'a migration'"), HasSubstr("waited")));
  source->close_snapshot();
  migration.end();
  user.end();
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  EXPECT_TRUE(source->watch(soon()));
}

TEST(ASnapshot, is_given_up_for_who_waits_for_an_index_that_a_reader_keeps) {
  const Pair pair("reindexed");
  const std::unique_ptr<Source> source = open_source(pair.source);
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  const std::vector<model::Table> tables = source->tables(soon()).value();
  std::unique_ptr<pipeline::SourceReader> reader = source->reader(soon()).value();
  model::CopyPart first;
  first.of = 2;
  first.end_page = 1;
  ASSERT_TRUE(rows_of(*reader, named(tables, "a"), first));
  Migration migration(pair.source, "REINDEX TABLE a");
  Waiting user(pair.source, "a user", "DELETE FROM a WHERE false");
  Result<void> watched;
  testbed::wait_until("the copy gives way", [&] { return !(watched = source->watch(soon())); });
  EXPECT_THAT(watched.error().what, AllOf(HasSubstr("public.a"), HasSubstr("'a migration'"), HasSubstr("waited")));
  reader.reset();
  migration.end();
  user.end();
}

TEST(ADump, that_comes_behind_a_change_of_a_table_lets_it_pass_and_the_next_one_succeeds) {
  const Pair pair("queued_dump");
  const std::unique_ptr<Source> source = open_source(pair.source);
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  Migration migration(pair.source, "ALTER TABLE b ADD COLUMN late int");
  const Result<pipeline::Schema> behind = source->schema(soon());
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().fault, Fault::transient);
  EXPECT_THAT(behind.error().what, AllOf(HasSubstr("public.b"), HasSubstr("'a migration'"), HasSubstr("waits for")));
  source->close_snapshot();
  migration.end();
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  const Result<pipeline::Schema> schema = source->schema(soon());
  EXPECT_TRUE(schema) << schema.error().what;
}

TEST(ADump, names_who_holds_a_table_that_is_not_even_selected) {
  const Pair pair("held_other");
  pair.source.exec("DO $$BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END$$");
  api::Selection selection;
  selection.include_tables = {pair.source.name() + ".c"};
  const std::unique_ptr<Source> source = open_source(pair.source, selection);
  ASSERT_TRUE(source->open_snapshot(std::nullopt, soon()));
  testbed::Session other(pair.source.uri());
  other.exec("SET application_name = 'a migration'; BEGIN; LOCK TABLE b");
  const Result<pipeline::Schema> waited = source->schema(soon());
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().fault, Fault::transient);
  EXPECT_THAT(waited.error().what, AllOf(HasSubstr("public.b"), HasSubstr("'a migration'"), HasSubstr("holds")));
  other.exec("COMMIT");
  const Result<pipeline::Schema> schema = source->schema(soon());
  EXPECT_TRUE(schema) << schema.error().what;
}

// ------------------------------------------------------------------------------------------ no room for locks

// Its database has more tables than it can hold locks.
class AServer : public ::testing::TestWithParam<int> {
 protected:
  AServer() {
    for (int first = 0; first < 3000; first += 500)
      database_.exec("DO $$BEGIN FOR i IN " + std::to_string(first) + ".." + std::to_string(first + 499) +
                     " LOOP EXECUTE format('CREATE TABLE t%s (i int)', i); END LOOP; END$$");
    for (const char* setting : {"max_locks_per_transaction = 10", "max_connections = 20", "max_wal_senders = 4",
                                "max_worker_processes = 2", "max_prepared_transactions = 0"})
      own_.exec("postgres", std::string("ALTER SYSTEM SET ") + setting);
    own_.stop();
    own_.start();
  }

  static void expect_named_setting(const Error& error) {
    EXPECT_EQ(error.fault, Fault::failed) << error.what;
    EXPECT_THAT(error.what, HasSubstr("out of shared memory"));
    EXPECT_THAT(error.hint, HasSubstr("raise max_locks_per_transaction on the source"));
  }

  testbed::PostgresServer own_{GetParam(), testbed::Flavour::logical, 7};
  Database database_ = own_.create_database("few_locks");
};

INSTANTIATE_TEST_SUITE_P(Majors, AServer, ::testing::Values(12, 18));

TEST_P(AServer, without_room_for_the_locks_of_a_copy_is_no_outage_and_names_its_setting) {
  const auto opened = open_source(database_)->open_snapshot(std::nullopt, soon());
  ASSERT_FALSE(opened);
  expect_named_setting(opened.error());
  EXPECT_THAT(opened.error().what, HasSubstr("locking 3000 tables of " + database_.name()));

  DumpRequest request;
  request.pg_dump = testbed::client_program("pg_dump");
  request.encoding = "UTF8";
  request.source = parse_conninfo(database_.uri()).value();
  const Result<Toc> dumped = dump_schema(request, soon());
  ASSERT_FALSE(dumped);
  expect_named_setting(dumped.error());
}

TEST_P(AServer, without_room_for_the_locks_of_a_copy_is_refused_before_anything_is_locked) {
  const testbed::Ends ends = testbed::ends("few_locks");
  const api::Report report = testbed::snapshot(testbed::spec_between(database_.uri(), ends.target.uri()));
  EXPECT_TRUE(testbed::failed(report, api::ExitCode::bad_configuration, "source: 6000 locks are held at once"));
  EXPECT_EQ(report.reason, "LockTableTooSmall");
  EXPECT_THAT(report.hint, HasSubstr("set max_locks_per_transaction = "));
}

}  // namespace
}  // namespace tributary::postgres
