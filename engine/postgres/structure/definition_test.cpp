#include "engine/postgres/structure/definition.h"

#include <gtest/gtest.h>

namespace tributary::postgres::structure {
namespace {

bool same(std::string_view at_15, std::string_view at_18) {
  return same_definition({at_15, 15}, {at_18, 18}) && same_definition({at_18, 18}, {at_15, 15});
}

TEST(Definitions, of_one_major_are_the_same_where_their_text_is) {
  EXPECT_TRUE(same_definition({"SELECT t.id", 15}, {"SELECT t.id", 15}));
  EXPECT_FALSE(same_definition({"SELECT t.id", 15}, {"SELECT id", 15}));
  EXPECT_FALSE(same_definition({"SELECT id", 15}, {"SELECT  id", 15}));
}

TEST(Definitions, of_an_older_major_may_qualify_columns_and_be_laid_out_otherwise) {
  EXPECT_TRUE(same(" SELECT t.id,\n    t.\"B b\"\n   FROM app.t;", " SELECT id, \"B b\" FROM app.t;"));
  EXPECT_TRUE(same("SELECT \"T t\".id FROM app.\"T t\"", "SELECT id FROM app.\"T t\""));
  EXPECT_TRUE(same("SELECT t.t FROM app.t", "SELECT t FROM app.t"));
  EXPECT_TRUE(same("SELECT t.t", "SELECT t"));
}

TEST(Definitions, that_mean_something_else_differ) {
  EXPECT_FALSE(same("SELECT t.id FROM app.t", "SELECT id FROM other.t"));
  EXPECT_FALSE(same("SELECT t.id FROM app.t", "SELECT n FROM app.t"));
  EXPECT_FALSE(same("SELECT a.id = b.id", "SELECT a.id = a.id"));
  EXPECT_FALSE(same("SELECT app.lower(id)", "SELECT lower(id)"));
  EXPECT_FALSE(same("SELECT id", "SELECT t.id"));
  EXPECT_FALSE(same("SELECT id", "SELECT id, n"));
  EXPECT_FALSE(same("SELECT id, n", "SELECT id"));
  EXPECT_FALSE(same("", "SELECT id"));
}

TEST(Definitions, keep_literals_quoted_names_and_bodies_as_they_are) {
  EXPECT_FALSE(same("SELECT 'a  b'", "SELECT 'a b'"));
  EXPECT_FALSE(same("SELECT 't.id'", "SELECT 'id'"));
  EXPECT_FALSE(same("SELECT 'it''s a.b'", "SELECT 'it''s b'"));
  EXPECT_FALSE(same("SELECT E'\\' a.b'", "SELECT E'\\' b'"));
  EXPECT_FALSE(same("SELECT \"a.b\"", "SELECT \"b\""));
  EXPECT_FALSE(same("AS $function$SELECT t.id$function$", "AS $function$SELECT id$function$"));
  EXPECT_FALSE(same("AS $f$a  b$f$", "AS $f$a b$f$"));
}

TEST(Definitions, of_procedures_spell_in_since_14) {
  constexpr std::string_view older = "CREATE OR REPLACE PROCEDURE app.p(a integer)\n AS $procedure$IN$procedure$";
  constexpr std::string_view newer = "CREATE OR REPLACE PROCEDURE app.p(IN a integer)\n AS $procedure$IN$procedure$";
  EXPECT_TRUE(same_definition({older, 13}, {newer, 14}));
  EXPECT_TRUE(same_definition({older, 12}, {newer, 18}));
  EXPECT_FALSE(same_definition({older, 14}, {newer, 15}));
}

TEST(Definitions, of_xml_spell_no_indent_since_16) {
  EXPECT_TRUE(same("XMLSERIALIZE(CONTENT t.x AS text)", "XMLSERIALIZE(CONTENT x AS text NO INDENT)"));
  EXPECT_FALSE(same("XMLSERIALIZE(CONTENT t.x AS text)", "XMLSERIALIZE(CONTENT x AS text INDENT)"));
}

TEST(Definitions, that_end_in_the_middle_of_something_are_compared_to_their_end) {
  for (const char* text : {"'open", "\"open", "$f$open", "$", "E'\\", "E'open\\", "a.", "."})
    EXPECT_FALSE(same(text, std::string(text) + " more.more")) << text;
}

}  // namespace
}  // namespace tributary::postgres::structure
