#include <gtest/gtest.h>

#include "engine/postgres/verify/verify.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using api::ObjectDifference;
using testbed::server;

struct TwoDatabases {
  TwoDatabases()
      : source(server(15).create_database("around_source")), target(server(18).create_database("around_target")) {}
  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  api::Verification compare(const std::vector<std::string>& only = {}) const {
    api::Spec spec;
    spec.source.uri = source.uri();
    spec.target.uri = target.uri();
    for (const std::string& table : only) spec.selection.include_tables.push_back(source.name() + ".public." + table);
    pipeline::ProgressBoard board("");
    const auto found = verify(spec, {}, board, nullptr, {Deadline::after(Seconds{60}), {}});
    EXPECT_TRUE(found) << describe(found.error());
    return found ? *found : api::Verification{};
  }

  testbed::Database source;
  testbed::Database target;
};

TEST(Surroundings, a_sequence_that_is_behind_is_a_difference) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE t (id int); CREATE SEQUENCE s; CREATE SEQUENCE ahead; SELECT setval('s', 17), setval('ahead', 17)");
  EXPECT_EQ(pair.compare().result, Comparison::equal);
  pair.target.exec("SELECT setval('s', 16), setval('ahead', 18)");
  const api::Verification found = pair.compare();
  EXPECT_EQ(found.result, Comparison::different);
  const std::vector<ObjectDifference> expected{{pair.source.name(), "sequence", "public.s", "17", "16"}};
  EXPECT_EQ(found.sequences, expected);
}

TEST(Surroundings, a_sequence_that_has_given_its_number_out_is_told_from_one_that_has_not) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (id int); CREATE SEQUENCE s");
  pair.source.exec("SELECT setval('s', 17)");
  pair.target.exec("SELECT setval('s', 17, false)");
  const std::vector<ObjectDifference> expected{
      {pair.source.name(), "sequence", "public.s", "17, given out", "17, not given out yet"}};
  EXPECT_EQ(pair.compare().sequences, expected);
}

TEST(Surroundings, a_definition_is_read_alike_whatever_is_set_on_a_server) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x\\y' COLLATE \"C\", at timestamptz DEFAULT '2020-01-01 "
      "12:00+00', of regclass DEFAULT 't'::regclass, took interval DEFAULT '1 month 2 days', CHECK (id > 0));"
      "CREATE INDEX ON t (lower(a)) WHERE id > 7; CREATE VIEW v AS SELECT id, a FROM t WHERE at > '2020-01-01 "
      "12:00+00';"
      "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'; INSERT INTO t VALUES (1)");
  const std::string name = pair.target.name();
  for (const char* setting :
       {"quote_all_identifiers = on", "TimeZone = 'Asia/Tokyo'", "DateStyle = 'SQL, DMY'", "search_path = public",
        "IntervalStyle = iso_8601", "standard_conforming_strings = off", "bytea_output = escape"})
    pair.target.exec("ALTER DATABASE " + name + " SET " + setting);
  const api::Verification found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  for (const ObjectDifference& each : found.structure)
    if (each.kind != "settings")
      ADD_FAILURE() << each.kind << " " << each.object << ": " << each.source << " | " << each.target;
}

TEST(Surroundings, another_schema_is_told_apart_from_the_data) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 2)");
  pair.target.exec("ALTER TABLE t ALTER a SET NOT NULL; CREATE TABLE extra (id int)");
  const api::Verification found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  ASSERT_EQ(found.structure.size(), 2U);
  EXPECT_EQ(found.structure[0].object, "public.extra");
  EXPECT_EQ(found.structure[0].source, "");
  EXPECT_EQ(found.structure[1].object, "public.t.a");
  EXPECT_EQ(found.structure[1].kind, "nullability");
}

TEST(Surroundings, of_selected_tables_alone_are_compared_where_tables_are_selected) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE u (id serial PRIMARY KEY); SELECT nextval('u_id_seq')");
  pair.target.exec("DROP TABLE u; CREATE TABLE extra (id int)");
  const api::Verification found = pair.compare({"t"});
  EXPECT_EQ(found.result, Comparison::equal);
  EXPECT_EQ(found.tables.size(), 1U);
  EXPECT_TRUE(found.structure.empty());
}

}  // namespace
}  // namespace tributary::postgres::verify
