#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/catalog/partition_routes.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// Partitioned tables whose rows another server may put into other partitions.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::ends;
using testbed::failed;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr api::ExitCode refused = api::ExitCode::bad_configuration;

// `key` and `value` (of a row number i) of a table that is hash-partitioned by them into five, with an index each.
std::string hashed(const std::string& key, const std::string& value, int rows) {
  std::string sql = "CREATE TABLE p (i int, k " + key + ", note text) PARTITION BY HASH (k);";
  for (int part = 0; part < 5; ++part)
    sql += "CREATE TABLE p" + std::to_string(part) + " PARTITION OF p FOR VALUES WITH (MODULUS 5, REMAINDER " +
           std::to_string(part) + ");";
  return sql + "CREATE INDEX ON p (i); INSERT INTO p SELECT i, " + value +
         ", repeat('x', i % 40) FROM generate_series(1, " + std::to_string(rows) + ") i;";
}

constexpr const char* content =
    "SELECT count(*) || ' ' || md5(string_agg(p::text, '|' ORDER BY i)) || ' ' || max(i) FROM p";
constexpr const char* places =
    "SELECT string_agg(DISTINCT tableoid::regclass || ' ' || k, ',' ORDER BY tableoid::regclass || ' ' || k) FROM p";
// Each partition holds what the server itself would put there.
constexpr const char* misplaced =
    "SELECT count(*) FROM p JOIN pg_inherits h ON h.inhrelid = p.tableoid JOIN pg_class c ON c.oid = p.tableoid"
    " WHERE NOT satisfies_hash_partition(h.inhparent, 5, right(c.relname, 1)::int, k)";

const std::string moods = "CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k');";
const std::string mood_of_i = "(enum_range(NULL::mood))[1 + i % 11]";

TEST(PartitionsByHash, of_an_enum_are_filled_as_the_target_hashes) {
  const Database source = server(15).create_database("by_enum");
  source.exec(moods + hashed("mood", mood_of_i, 3000));
  for (const int major : {15, 18}) {
    const Database target = server(major).create_database("by_enum");
    target.exec("CREATE SCHEMA other; CREATE TYPE other.t AS ENUM ('x'); DROP SCHEMA other CASCADE");
    const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
    ASSERT_TRUE(done(report));
    EXPECT_EQ(report.databases.at(0).rows, 3000U);
    EXPECT_EQ(target.scalar(content), source.scalar(content));
    EXPECT_EQ(target.scalar(misplaced), "0");
    EXPECT_NE(target.scalar(places), source.scalar(places)) << "else nothing was shown";
  }
}

TEST(PartitionsByHash, of_text_are_filled_as_the_target_hashes_in_another_encoding) {
  const Database source =
      server(15).create_database("by_text", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  source.exec(hashed("text", "chr(224 + i % 30) || i", 2000));
  const Database target =
      server(18).create_database("by_text", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  const char* counts =
      "SELECT count(*) || ' ' || count(DISTINCT k) || ' ' || min(ascii(k)) || ' ' || max(ascii(k)) FROM p";
  EXPECT_EQ(target.scalar(counts), source.scalar(counts));
  EXPECT_EQ(target.scalar(misplaced), "0");
}

TEST(PartitionsByHash, below_other_partitions_are_filled_from_the_table_above_them) {
  const Database source = server(17).create_database("nested");
  source.exec(
      moods +
      "CREATE TABLE top (y int, k mood) PARTITION BY LIST (y); CREATE TABLE plain PARTITION OF top FOR VALUES IN (1);"
      "CREATE TABLE low PARTITION OF top FOR VALUES IN (2) PARTITION BY HASH (k);"
      "CREATE TABLE low0 (k mood, y int); ALTER TABLE low ATTACH PARTITION low0 FOR VALUES WITH (MODULUS 2, REMAINDER "
      "0);"
      "CREATE TABLE low1 PARTITION OF low FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO top SELECT 1 + i % 2, " +
      mood_of_i + " FROM generate_series(1, 1000) i");
  const Database target = server(18).create_database("nested");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  const char* counts =
      "SELECT string_agg(y || k::text || n, ',' ORDER BY y, k) FROM (SELECT y, k, count(*) AS n FROM top GROUP BY 1, "
      "2) s";
  EXPECT_EQ(target.scalar(counts), source.scalar(counts));
}

TEST(PartitionsByHash, of_an_enum_start_over_together_where_a_run_was_ended) {
  const auto [source, target] = ends("by_enum_ended");
  source.exec(moods + hashed("mood", mood_of_i, 3000) + "CREATE TABLE other AS SELECT 1 AS i");
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.replication = "uid";
  ASSERT_TRUE(done(snapshot(spec)));
  // As if the run had ended before one of the partitions was copied.
  target.exec(
      "UPDATE _tributary.replication SET state = 'copying', completed = NULL;"
      "UPDATE _tributary.table_state SET state = 'copying', parts_done = 0 WHERE table_name = 'p1';"
      "DELETE FROM _tributary.part WHERE table_name = 'p1'; INSERT INTO other VALUES (2)");
  spec.snapshot.resume_per_table = true;
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  EXPECT_EQ(report.consistency, api::Consistency::per_table);
  EXPECT_EQ(target.scalar("SELECT count(*) FROM other"), "2") << "was kept";
  EXPECT_EQ(target.scalar(content), source.scalar(content));
  EXPECT_EQ(target.scalar(misplaced), "0");
}

TEST(PartitionsByHash, of_an_enum_that_are_selected_in_part_are_refused) {
  const auto [source, target] = ends("by_enum_part");
  source.exec(moods + hashed("mood", mood_of_i, 100));
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.selection.exclude_tables = {source.name() + ".p3"};
  const api::Report report = snapshot(spec);
  EXPECT_TRUE(failed(report, refused, "public.p3"));
  EXPECT_EQ(report.reason, "PartitionsLeftOut");
}

TEST(PartitionsByHash, of_an_enum_never_reach_a_foreign_one) {
  const auto [source, target] = ends("by_enum_foreign");
  source.exec(moods +
              "CREATE TABLE p (k mood) PARTITION BY HASH (k); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN"
              " DATA WRAPPER w; CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
              "CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER s");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_TRUE(failed(report, refused, "public.p"));
  EXPECT_EQ(report.reason, "ForeignPartition");
}

TEST(PartitionChoices, hold_for_keys_that_look_alike_to_every_server) {
  for (const int major : {12, 18}) {
    const Database database = server(major).create_database("choices");
    database.exec(
        "CREATE COLLATION loose (provider = icu, locale = 'und', deterministic = false);"
        "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS int; CREATE TYPE pair AS (a int, b text);"
        "CREATE TABLE hash_int (k int, l bigint) PARTITION BY HASH (k, l);"
        "CREATE TABLE hash_uuid (k uuid) PARTITION BY HASH (k); CREATE TABLE hash_text (k text) PARTITION BY HASH (k);"
        "CREATE TABLE hash_loose (k text COLLATE loose) PARTITION BY HASH (k);"
        "CREATE TABLE hash_array (k mood[]) PARTITION BY HASH (k); CREATE TABLE hash_domain (k d) PARTITION BY HASH "
        "(k);"
        "CREATE TABLE hash_both (k int, m mood) PARTITION BY HASH (k, m);"
        "CREATE TABLE hash_sum (k int) PARTITION BY HASH ((k + 1));"
        "CREATE TABLE range_date (k date) PARTITION BY RANGE (k); CREATE TABLE range_text (k text) PARTITION BY RANGE "
        "(k);"
        "CREATE TABLE range_c (k text COLLATE \"C\") PARTITION BY RANGE (k);"
        "CREATE TABLE range_enum (k mood) PARTITION BY RANGE (k); CREATE TABLE list_text (k text) PARTITION BY LIST "
        "(k);"
        "CREATE TABLE list_lower (k text) PARTITION BY LIST (lower(k))");
    Connection connection = Connection::open(parse_conninfo(database.uri()).value(), {}, {}).value();
    std::map<std::string, bool> always;
    const PartitionChoices choices = read_partition_choices(connection, {}).value();
    for (const auto& [name, holds] : choices) always[name.name] = holds == Holds::nowhere_else;
    EXPECT_THAT(always, ElementsAre(Pair("hash_array", true), Pair("hash_both", true), Pair("hash_domain", true),
                                    Pair("hash_loose", true), Pair("hash_sum", true), Pair("hash_text", false),
                                    Pair("list_lower", true), Pair("range_c", false), Pair("range_text", true)));
  }
}

}  // namespace
}  // namespace tributary::postgres
