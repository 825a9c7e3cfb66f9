#include "engine/postgres/schema/undo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

std::string undo(const std::string& type, const std::string& drop) {
  TocEntry entry;
  entry.type = type;
  entry.schema = "app";
  entry.tag = "it's";
  entry.drop = drop;
  return undo_of(entry);
}

TEST(Undo, drops_what_may_be_gone_already) {
  EXPECT_EQ(undo("TABLE", "DROP TABLE app.a;\n"), "DROP TABLE IF EXISTS app.a;\n");
  EXPECT_EQ(undo("FUNCTION", "DROP FUNCTION app.f(integer);\n"), "DROP FUNCTION IF EXISTS app.f(integer);\n");
  EXPECT_EQ(undo("SHELL TYPE", "DROP TYPE app.t;\n"), "DROP TYPE IF EXISTS app.t;\n");
  EXPECT_EQ(undo("MATERIALIZED VIEW", "DROP MATERIALIZED VIEW app.m;\n"), "DROP MATERIALIZED VIEW IF EXISTS app.m;\n");
  EXPECT_EQ(undo("USER MAPPING", "DROP USER MAPPING FOR a SERVER b;\n"),
            "DROP USER MAPPING IF EXISTS FOR a SERVER b;\n");
  EXPECT_EQ(undo("CAST", "DROP CAST (app.a AS text);\n"), "DROP CAST IF EXISTS (app.a AS text);\n");
}

TEST(Undo, takes_constraints_and_defaults_from_tables_that_may_be_gone) {
  EXPECT_EQ(undo("FK CONSTRAINT", "ALTER TABLE ONLY app.a DROP CONSTRAINT k;\n"),
            "ALTER TABLE IF EXISTS ONLY app.a DROP CONSTRAINT IF EXISTS k;\n");
  EXPECT_EQ(undo("FK CONSTRAINT", "ALTER TABLE ONLY app.\"a DROP CONSTRAINT b\" DROP CONSTRAINT k;\n"),
            "ALTER TABLE IF EXISTS ONLY app.\"a DROP CONSTRAINT b\" DROP CONSTRAINT IF EXISTS k;\n");
  EXPECT_EQ(undo("DEFAULT", "ALTER TABLE app.a ALTER COLUMN b DROP DEFAULT;\n"),
            "ALTER TABLE IF EXISTS app.a ALTER COLUMN b DROP DEFAULT;\n");
}

TEST(Undo, leaves_alone_what_goes_with_another_object_or_stays) {
  EXPECT_EQ(undo("TABLE ATTACH", "ALTER TABLE ONLY app.a DETACH PARTITION app.b;\n"), "");
  EXPECT_EQ(undo("SCHEMA", "-- *not* dropping schema, since initdb creates it\n"), "");
  EXPECT_EQ(undo("COMMENT", ""), "");
}

TEST(Undo, opens_a_circle_of_views_as_pg_dump_does) {
  const std::string dummy = "CREATE OR REPLACE VIEW app.v AS\nSELECT\n    NULL::integer AS a;\n";
  EXPECT_EQ(undo("VIEW", dummy), dummy);
}

TEST(Undo, asks_who_uses_a_base_type_before_a_cascade) {
  const std::string sql = undo("TYPE", "DROP TYPE app.\"it's\" CASCADE;\n");
  EXPECT_THAT(sql, testing::StartsWith("DO '"));
  EXPECT_THAT(sql, testing::HasSubstr("dependent_objects_still_exist"));
  EXPECT_THAT(sql, testing::EndsWith(";\nDROP TYPE IF EXISTS app.\"it's\" CASCADE;\n"));
  EXPECT_THAT(undo("TABLE", "DROP TABLE app.\"a CASCADE;\n\";\n"), testing::StartsWith("DROP TABLE IF EXISTS"));
}

struct Case {
  const char* undo;
  const char* relation;  // "" where it is about none
  bool is_dropped;
};

TEST(Undo, tells_which_relation_it_is_about) {
  const Case cases[] = {{"DROP TABLE IF EXISTS \"s\".\"t\";\n", "s.t", true},
                        {"DROP FOREIGN TABLE IF EXISTS \"s\".\"a\"\"b.c\";\n", "s.a\"b.c", true},
                        {"DROP MATERIALIZED VIEW IF EXISTS \"s\".\"t\";\n", "s.t", true},
                        {"DROP SEQUENCE IF EXISTS \"s\".\"t\";\n", "s.t", true},
                        {"DROP TYPE IF EXISTS \"s\".\"t\";\n", "s.t", true},
                        {"ALTER TABLE IF EXISTS \"s\".\"t\" DISABLE ROW LEVEL SECURITY;\n", "s.t", false},
                        {"ALTER TABLE IF EXISTS ONLY \"s\".\"t\" DROP CONSTRAINT IF EXISTS \"k\";\n", "s.t", false},
                        {"CREATE OR REPLACE VIEW \"s\".\"t\" AS\nSELECT\n    NULL::integer AS a;\n", "s.t", false},
                        {"DROP TRIGGER IF EXISTS \"x ON \"\"y\" ON \"s\".\"t\";\n", "s.t", false},
                        {"DROP RULE IF EXISTS \"x\" ON \"s\".\"t\";\n", "s.t", false},
                        {"DROP POLICY IF EXISTS \"x\" ON \"s\".\"t\";\n", "s.t", false},
                        {"DROP FUNCTION IF EXISTS \"s\".\"t\"(integer);\n", "", false},
                        {"DROP SCHEMA IF EXISTS \"s\";\n", "", false},
                        {"DROP TRIGGER IF EXISTS x", "", false},
                        {"DROP TABLE IF EXISTS \"s\".\"t", "", false},
                        {"", "", false}};
  for (const Case& each : cases) {
    const auto relation = relation_of(each.undo);
    EXPECT_EQ(relation ? relation->name.schema + "." + relation->name.name : "", each.relation) << each.undo;
    EXPECT_EQ(relation && relation->is_dropped, each.is_dropped) << each.undo;
  }
}

TEST(Undo, follows_its_table_to_another_name) {
  const model::Name from{"s", "t"}, to{"u", "t\"2"};
  EXPECT_EQ(with_new_name("DROP TABLE IF EXISTS \"s\".\"t\";\n", from, to), "DROP TABLE IF EXISTS \"u\".\"t\"\"2\";\n");
  EXPECT_EQ(with_new_name("DROP RULE IF EXISTS \"s\" ON \"s\".\"t\";\n", from, to),
            "DROP RULE IF EXISTS \"s\" ON \"u\".\"t\"\"2\";\n");
  for (const char* other :
       {"DROP TABLE IF EXISTS \"s\".\"t2\";\n", "DROP FUNCTION IF EXISTS \"f\"(\"s\".\"t\");\n", ""})
    EXPECT_EQ(with_new_name(other, from, to), other);
}

}  // namespace
}  // namespace tributary::postgres
