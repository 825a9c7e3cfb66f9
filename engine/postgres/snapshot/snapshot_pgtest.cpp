#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "engine/pipeline/copy.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::ends;
using testbed::failed;
using testbed::Flavour;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

std::vector<std::string> codes(const api::Report& report) {
  std::vector<std::string> found;
  for (const api::Finding& finding : report.findings) found.push_back(finding.code);
  return found;
}

bool exists(testbed::PostgresServer& where, const std::string& database) {
  return where.scalar("postgres", "SELECT count(*) FROM pg_database WHERE datname = '" + database + "'") == "1";
}

// ------------------------------------------------------------------------------------------ a whole database

struct Majors {
  int source;
  int target;
};

class ADatabase : public ::testing::TestWithParam<Majors> {};

TEST_P(ADatabase, arrives_with_every_row_and_every_sequence) {
  auto& from = server(GetParam().source);
  auto& to = server(GetParam().target, Flavour::replica);
  const Database source = from.create_database("everything");
  testbed::fill_with_everything(source, from.major());
  source.exec("VACUUM ANALYZE");
  const Database target = to.adopt_database("arrived_" + source.name());

  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.snapshot.roles = true;
  const api::Report report = snapshot(spec);

  ASSERT_TRUE(done(report));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  ASSERT_EQ(report.databases.size(), 1U);
  EXPECT_EQ(report.databases[0].name, source.name());
  EXPECT_EQ(report.databases[0].target, target.name());
  if (from.major() != to.major()) return;
  EXPECT_EQ(testbed::difference(testbed::structure(source.uri()), testbed::structure(target.uri())), "");
}

TEST_P(ADatabase, is_taken_back_whole_before_it_is_copied_again) {
  auto& from = server(GetParam().source);
  auto& to = server(GetParam().target, Flavour::replica);
  const Database source = from.create_database("twice");
  testbed::fill_with_everything(source, from.major());
  testbed::create_fidelity_roles(to);
  const Database target = to.adopt_database("twice_" + source.name());
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.replication = "uid-" + source.name();
  ASSERT_TRUE(done(snapshot(spec)));
  const std::vector<std::string> first = testbed::structure(target.uri());
  source.exec("CREATE TABLE app.one_more AS SELECT 1 AS i");
  spec.snapshot.request_id = "again";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  source.exec("DROP TABLE app.one_more");
  spec.snapshot.request_id = "and again";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  EXPECT_EQ(testbed::difference(first, testbed::structure(target.uri())), "");
}

INSTANTIATE_TEST_SUITE_P(Pairs, ADatabase,
                         ::testing::Values(Majors{13, 15}, Majors{15, 18}, Majors{17, 17}, Majors{12, 18}),
                         [](const auto& pair) {
                           return std::to_string(pair.param.source) + "_to_" + std::to_string(pair.param.target);
                         });

TEST(ASnapshot, of_an_empty_database_is_a_success) {
  const auto [source, target] = ends("empty", 17, 18);
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_TRUE(done(report));
  EXPECT_EQ(report.databases.at(0).tables, 0U);
}

TEST(ASnapshot, of_a_database_that_was_a_target_leaves_its_ledger_behind) {
  const Database first = server(15).create_database("first");
  first.exec("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES");
  const Database second = server(17).create_database("second");
  const Database third = server(18).create_database("third");
  ASSERT_TRUE(done(snapshot(spec_between(first.uri(), second.uri()))));
  ASSERT_TRUE(done(snapshot(spec_between(second.uri(), third.uri()))));
  EXPECT_TRUE(same_content(first.uri(), third.uri()));
  EXPECT_EQ(third.scalar("SELECT count(*) FROM _tributary.replication"), "1");
}

TEST(ASnapshot, counts_what_it_copied) {
  const auto [source, target] = ends("counted");
  source.exec("CREATE TABLE a AS SELECT generate_series(1, 1000) AS i; CREATE TABLE b (i int); CREATE TABLE c ()");
  source.exec("INSERT INTO c DEFAULT VALUES; INSERT INTO c DEFAULT VALUES");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.databases.at(0).tables, 3U);
  EXPECT_EQ(report.databases.at(0).rows, 1002U);
  EXPECT_EQ(target.scalar("SELECT count(*) FROM c"), "2");
}

TEST(ASnapshot, refreshes_materialized_views_and_gathers_statistics) {
  const auto [source, target] = ends("views");
  source.exec(
      "CREATE TABLE t AS SELECT generate_series(1, 100) AS i; CREATE MATERIALIZED VIEW m AS SELECT sum(i) FROM t;"
      "CREATE MATERIALIZED VIEW over AS SELECT * FROM m; CREATE MATERIALIZED VIEW bare AS SELECT 1 WITH NO DATA");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  EXPECT_EQ(target.scalar("SELECT * FROM over"), "5050");
  EXPECT_EQ(target.scalar("SELECT relispopulated FROM pg_class WHERE relname = 'bare'"), "f");
  EXPECT_EQ(target.scalar("SELECT reltuples FROM pg_class WHERE relname = 't'"), "100");
}

// A function that leans on a search_path, and a server that the target does not reach.
TEST(ASnapshot, names_materialized_views_whose_query_fails_on_the_target) {
  const auto [source, target] = ends("unrefreshed", 15, 17);
  source.exec(
      "CREATE TABLE t AS SELECT generate_series(1, 100) AS i; CREATE MATERIALIZED VIEW good AS SELECT sum(i) FROM t;"
      "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t';"
      "CREATE MATERIALIZED VIEW leans AS SELECT f(); CREATE MATERIALIZED VIEW above AS SELECT * FROM leans;"
      "CREATE EXTENSION postgres_fdw;"
      "CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');"
      "CREATE USER MAPPING FOR postgres SERVER away; CREATE FOREIGN TABLE elsewhere (i int) SERVER away;"
      "CREATE MATERIALIZED VIEW away AS SELECT i FROM elsewhere WITH NO DATA;"
      "UPDATE pg_class SET relispopulated = true WHERE relname = 'away'");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  EXPECT_THAT(codes(report), Contains("ViewNotRefreshed").Times(3));
  EXPECT_EQ(target.scalar("SELECT sum FROM good"), "5050");
  EXPECT_EQ(target.scalar("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class"
                          " WHERE relkind = 'm' AND NOT relispopulated"),
            "above,away,leans");
}

TEST(ASnapshot, gathers_statistics_of_partitioned_tables_and_materialized_views_too) {
  const Database source = server(15).create_database("statistics");
  source.exec(
      "CREATE TABLE p (i int, k int) PARTITION BY LIST (k); CREATE TABLE \"P 1\" PARTITION OF p FOR VALUES IN (1)"
      " PARTITION BY LIST (i); CREATE TABLE leaf PARTITION OF \"P 1\" DEFAULT; CREATE TABLE plain (i int);"
      "INSERT INTO p SELECT i, 1 FROM generate_series(1, 50) i; INSERT INTO plain SELECT generate_series(1, 50);"
      "CREATE MATERIALIZED VIEW m AS SELECT i FROM p");
  for (const int major : {17, 18}) {
    const Database target = server(major).create_database("statistics");
    ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
    EXPECT_EQ(target.scalar("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_stats WHERE attname = 'i' AND"
                            " schemaname = 'public'"),
              "P 1,leaf,m,p,plain");
  }
}

TEST(ASnapshot, reports_ranges_that_no_parent_covers_and_brings_them) {
  const auto [source, target] = ends("uncovered", 18, 18);
  source.exec(
      "CREATE TABLE parent (id int4range, at daterange, PRIMARY KEY (id, at WITHOUT OVERLAPS));"
      "CREATE TABLE child (id int4range, at daterange, CONSTRAINT k FOREIGN KEY (id, PERIOD at) REFERENCES parent (id,"
      " PERIOD at)); SET session_replication_role = replica; INSERT INTO child VALUES ('[1,2)', "
      "'[2020-01-01,2021-01-01)')");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  ASSERT_THAT(codes(report), ElementsAre("ForeignKeyOrphans"));
  EXPECT_THAT(report.findings.at(0).message, HasSubstr("holds rows without a parent"));
  EXPECT_EQ(target.scalar("SELECT count(*) FROM child"), "1");
  EXPECT_EQ(target.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'k'"), "f");
}

TEST(ASnapshot, names_an_object_that_the_targets_server_cannot_have_and_is_not_tried_again) {
  const auto [source, target] = ends("outdated", 14, 18);
  source.exec("CREATE TABLE t (); CREATE VIEW v AS SELECT pg_stop_backup() AS gone_since_15");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_TRUE(failed(report, api::ExitCode::bad_configuration, "view public.v: "));
  EXPECT_THAT(report.message, HasSubstr("[42883]"));
  EXPECT_NE(report.hint, "");
}

// No server in the cache has a provider of labels, so the label is written where SECURITY LABEL would write it.
TEST(ASnapshot, says_which_security_label_the_target_could_not_take) {
  const auto [source, target] = ends("labelled");
  source.exec(
      "CREATE TABLE t AS SELECT 1 AS i; INSERT INTO pg_seclabel VALUES ('t'::regclass, 'pg_class'::regclass, 0,"
      " 'nobody', 'classified')");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  ASSERT_THAT(codes(report), ElementsAre("StepSkipped"));
  EXPECT_EQ(report.findings.at(0).subject, "security label TABLE \"t\" in schema public");
  EXPECT_EQ(target.scalar("SELECT i FROM t"), "1");
}

TEST(ASnapshot, continues_sequences_where_the_source_stands) {
  const auto [source, target] = ends("sequences");
  source.exec(
      "CREATE TABLE t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);"
      "INSERT INTO t SELECT FROM generate_series(1, 42); CREATE SEQUENCE down INCREMENT -1;"
      "SELECT nextval('down'); CREATE SEQUENCE unused START 7");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  EXPECT_EQ(target.scalar("INSERT INTO t DEFAULT VALUES RETURNING id || ' ' || n"), "43 43");
  EXPECT_EQ(target.scalar("SELECT nextval('down')"), "-2");
  EXPECT_EQ(target.scalar("SELECT nextval('unused')"), "7");
}

TEST(ASnapshot, reports_rows_without_a_parent_and_brings_them) {
  const auto [source, target] = ends("orphans");
  source.exec(
      "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);"
      "CREATE TABLE child (p int REFERENCES parent, q int REFERENCES parent);"
      "INSERT INTO child VALUES (1, 1), (NULL, 1); SET session_replication_role = replica;"
      "INSERT INTO child VALUES (7, 1), (8, 1)");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  ASSERT_THAT(codes(report), ElementsAre("ForeignKeyOrphans"));
  EXPECT_THAT(report.findings[0].message, HasSubstr("2 rows"));
  EXPECT_THAT(report.findings[0].subject, HasSubstr("child_p_fkey"));
  EXPECT_EQ(target.scalar("SELECT string_agg(conname, ' ') FROM pg_constraint WHERE contype = 'f' AND convalidated AND "
                          "conname ~ 'child'"),
            "child_q_fkey");
  EXPECT_EQ(target.scalar("SELECT string_agg(conname, ' ') FROM pg_constraint WHERE contype = 'f' AND NOT convalidated "
                          "AND conname ~ 'child'"),
            "child_p_fkey");
}

// ------------------------------------------------------------------------------------------ databases and tables

TEST(Databases, selected_by_name_keep_their_names) {
  const Database first = server(13).create_database("first");
  const Database second = server(13).create_database("second");
  const Database other = server(13).create_database("other");
  auto& to = server(15, Flavour::replica);
  const Database first_target = to.adopt_database(first.name());
  const Database second_target = to.adopt_database(second.name());
  first.exec("CREATE TABLE t AS SELECT 1 AS i");
  second.exec("CREATE TABLE u AS SELECT 2 AS i");

  api::Spec spec = spec_between(other.uri(), to.uri("postgres"));
  spec.selection.include_databases = {first.name(), second.name()};
  const api::Report report = snapshot(spec);

  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.databases.size(), 2U);
  EXPECT_TRUE(same_content(first.uri(), first_target.uri()));
  EXPECT_TRUE(same_content(second.uri(), second_target.uri()));
  EXPECT_FALSE(exists(to, other.name()));
  EXPECT_EQ(to.scalar("postgres", "SELECT to_regnamespace('_tributary') IS NULL"), "t");
}

TEST(Databases, the_source_uris_own_becomes_the_one_that_the_target_uri_names) {
  const Database source = server(15).create_database("renamed");
  auto& to = server(18);
  const Database target = to.adopt_database("new_name_" + source.name());
  source.exec("CREATE TABLE t AS SELECT 1 AS i");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  EXPECT_FALSE(exists(to, source.name()));
}

TEST(Databases, the_source_uris_own_keeps_its_name_where_the_target_uri_names_none) {
  const Database source = server(15).create_database("kept");
  auto& to = server(18);
  const Database target = to.adopt_database(source.name());
  source.exec("CREATE TABLE t AS SELECT 1 AS i");
  api::Spec spec = spec_between(source.uri(), to.uri(""));
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

TEST(Tables, that_are_selected_come_alone_and_with_what_they_need) {
  const auto [source, target] = ends("some");
  source.exec(
      "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE SCHEMA \"Odd schema\";"
      "CREATE TABLE \"Odd schema\".\"A.b\" (id serial PRIMARY KEY, m mood);"
      "INSERT INTO \"Odd schema\".\"A.b\" (m) VALUES ('good'), ('bad');"
      "CREATE TABLE wanted (id int PRIMARY KEY); INSERT INTO wanted VALUES (1);"
      "CREATE TABLE unwanted (id int REFERENCES wanted); INSERT INTO unwanted VALUES (1)");
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.selection.include_tables = {source.name() + ".wanted", source.name() + ".Odd schema.\"A.b\""};
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_THAT(testbed::fingerprint(target.uri()), ElementsAre(Key("Odd schema.A.b"), Key("public.wanted")));
  auto wanted = testbed::fingerprint(source.uri());
  wanted.erase("public.unwanted");
  EXPECT_EQ(testbed::fingerprint(target.uri()), wanted);
}

TEST(Tables, that_are_excluded_stay_away) {
  const Database source = server(17).create_database("without");
  const Database target = server(17, Flavour::replica).create_database("without");
  source.exec(
      "CREATE TABLE a AS SELECT 1 AS i; CREATE TABLE log_1 AS SELECT 1 AS i; CREATE TABLE log_2 AS SELECT 1 AS i");
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.selection.exclude_tables = {source.name() + ".log_*"};
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_THAT(testbed::fingerprint(target.uri()), ElementsAre(Key("public.a")));
}

// ------------------------------------------------------------------------------------------ one moment

// Money moves between two tables all the time; its sum is the same at every moment and at no other mixture of moments.
TEST(ASnapshot, shows_all_tables_at_one_moment_while_the_source_is_written_to) {
  const auto [source, target] = ends("busy");
  source.exec(
      "CREATE TABLE a (id int PRIMARY KEY, money int, pad text); CREATE TABLE b (LIKE a INCLUDING ALL);"
      "INSERT INTO a SELECT i, 100, repeat('x', 500) FROM generate_series(1, 20000) i; INSERT INTO b TABLE a");
  std::atomic<bool> over{false};
  std::atomic<int> moves{0};
  std::jthread writer([&] {
    testbed::Session session(source.uri());
    session.exec("SET synchronous_commit = off");
    while (!over) {
      session.exec(
          "WITH pick AS (SELECT 1 + (random() * 19999)::int AS id),"
          " take AS (UPDATE a SET money = money - 1 WHERE id = (SELECT id FROM pick) RETURNING 1)"
          " UPDATE b SET money = money + 1 WHERE id = (SELECT id FROM pick) AND EXISTS (SELECT FROM take)");
      ++moves;
    }
  });
  testbed::wait_until("the writer is at work", [&] { return moves > 10; });
  const int before = moves;
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_GT(moves, before);
  over = true;
  writer.join();
  ASSERT_TRUE(done(report));
  EXPECT_EQ(target.scalar("SELECT (SELECT sum(money) FROM a) + (SELECT sum(money) FROM b)"), "4000000");
  EXPECT_NE(target.scalar("SELECT sum(money) FROM a"), "2000000");
}

// ------------------------------------------------------------------------------------------ parts

void vary_pages(const Database& source) {
  source.exec(
      "CREATE TABLE big (id int, pad text); INSERT INTO big SELECT i, repeat(i::text, i % 97) FROM"
      " generate_series(1, 60000) i; UPDATE big SET pad = 'moved' WHERE id % 7 = 0; DELETE FROM big WHERE id % 5 = 0;"
      "ALTER TABLE big ADD PRIMARY KEY (id); CREATE TABLE small AS SELECT 1 AS i; ANALYZE");
}

TEST(ALargeTable, arrives_whole_in_parts) {
  const auto [source, target] = ends("parts");
  vary_pages(source);
  const Until until{Deadline::after(Seconds{120}), {}};
  const api::Spec spec = spec_between(source.uri(), target.uri());
  const auto servers = make_servers(spec);
  const auto link = servers->link({source.name(), target.name()}, until).value();
  ASSERT_TRUE(link->target().claim(link->source().identity(until).value(), 0, until));
  pipeline::Contents contents;
  contents.snapshot = link->source().open_snapshot(std::nullopt, until).value();
  contents.tables = link->source().tables(until).value();
  contents.schema = link->source().schema(until).value();
  ASSERT_TRUE(link->target().prepare(contents, until));
  ASSERT_TRUE(link->target().run_in_order(contents.schema, pipeline::Stage::before_data, until));
  pipeline::ProgressBoard board("");
  const std::vector<bool> none(contents.tables.size());
  pipeline::CopyRequest request{contents, none, board.begin_database("parts", {{"big", 1}, {"small", 1}}), 4, {}, {}};
  request.limits.streams = 4;
  request.limits.splits_tables = link->source().splits_tables();
  request.limits.smallest_part = 64 << 10;
  request.limits.small_table = 64 << 10;
  request.beside = [](const Until&) { return Result<void>{}; };
  const auto copied = pipeline::copy_database(link->source(), link->target(), request, board, until);
  ASSERT_TRUE(copied) << copied.error().what;
  const auto records = link->target().complete(
      contents.tables, [] { return Result<void>{}; }, until);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->at({"public", "big"}).count.rows, 48000U);
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
  EXPECT_EQ(target.scalar("SELECT parts FROM _tributary.table_state WHERE table_name = 'big'"), "4");
  EXPECT_EQ(target.scalar("SELECT count(*) FROM _tributary.part WHERE table_name = 'big' AND rows > 0"), "4");
}

}  // namespace
}  // namespace tributary::postgres
