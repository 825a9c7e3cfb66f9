#include "engine/postgres/undo.h"

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

}  // namespace
}  // namespace tributary::postgres
