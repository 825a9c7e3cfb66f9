#include "engine/postgres/schema/shape_change.h"

#include <gtest/gtest.h>

#include <functional>

namespace tributary::postgres {
namespace {

using Kind = ShapeChange::Kind;

ShapeColumn column(int number, const std::string& name, std::uint32_t type, const std::string& spelling) {
  ShapeColumn made;
  made.number = number;
  made.name = name;
  made.type = type;
  made.spelling = spelling;
  made.version = "700";
  return made;
}

TableShape shape() {
  TableShape made;
  made.id = 16400;
  made.name = {"public", "t"};
  made.storage = "16400";
  made.identity = "d: id";
  made.columns = {column(1, "id", 23, "integer"), column(2, "word", 1043, "character varying(10)")};
  made.columns[0].not_null = true;
  made.columns[1].modifier = 14;
  return made;
}

std::string all(const ShapeChange& change) {
  return script_of(change.statements) + (change.finishing.empty() ? "" : " | " + script_of(change.finishing));
}

struct Case {
  const char* name;
  std::function<void(TableShape&)> change;
  Passed passed;
  Kind kind;
  const char* statements;
};

void add(TableShape& shape, const std::string& missing = "") {
  shape.columns.push_back(column(3, "more", 25, "text"));
  if (!missing.empty()) shape.columns.back().missing = missing;
}

const Case cases[] = {
    {"nothing", [](TableShape&) {}, Passed::yes, Kind::none, ""},
    {"VACUUM FULL", [](TableShape& s) { s.storage = "2"; }, Passed::yes, Kind::none, ""},
    {"SET STATISTICS", [](TableShape& s) { s.columns[1].version = "701"; }, Passed::yes, Kind::none, ""},
    {"a rewrite that leaves the columns as they are",
     [](TableShape& s) {
       s.storage = "2";
       s.columns[1].version = "701";
     },
     Passed::no, Kind::recopy, ""},
    {"another identity", [](TableShape& s) { s.identity = "f"; }, Passed::no, Kind::none, ""},
    {"a column that may be NULL", [](TableShape& s) { add(s); }, Passed::no, Kind::in_place,
     R"(ALTER TABLE "top"."p" ADD COLUMN "more" text;)"},
    {"a column with a default", [](TableShape& s) { add(s, "it's"); }, Passed::no, Kind::in_place,
     R"(ALTER TABLE "top"."p" ADD COLUMN "more" text DEFAULT 'it''s'::text;)"},
    {"a column with a default that must have a value",
     [](TableShape& s) {
       add(s, "a");
       s.columns[2].not_null = true;
     },
     Passed::no, Kind::in_place, R"(ALTER TABLE "top"."p" ADD COLUMN "more" text DEFAULT 'a'::text;)"},
    {"a column whose values were computed",
     [](TableShape& s) {
       add(s);
       s.storage = "2";
     },
     Passed::no, Kind::recopy, R"(ALTER TABLE "top"."p" ADD COLUMN "more" text;)"},
    {"a column that is computed when it is read",
     [](TableShape& s) {
       add(s);
       s.columns[2].generated = "v";
       s.columns[2].expression = "id * 2";
     },
     Passed::no, Kind::in_place,
     R"(ALTER TABLE "top"."p" ADD COLUMN "more" text GENERATED ALWAYS AS (id * 2) VIRTUAL;)"},
    {"a column that was dropped", [](TableShape& s) { s.columns.pop_back(); }, Passed::no, Kind::recopy,
     R"(ALTER TABLE "top"."p" DROP COLUMN "word";)"},
    {"a column that was dropped and made again",
     [](TableShape& s) {
       s.columns.pop_back();
       s.columns.push_back(column(3, "word", 25, "text"));
     },
     Passed::no, Kind::recopy,
     R"(ALTER TABLE "top"."p" DROP COLUMN "word"; ALTER TABLE "top"."p" ADD COLUMN "word" text;)"},
    {"a column of another name", [](TableShape& s) { s.columns[1].name = "Term"; }, Passed::no, Kind::recopy,
     R"(ALTER TABLE "top"."p" RENAME COLUMN "word" TO "Term";)"},
    {"columns that have changed names",
     [](TableShape& s) {
       s.columns[0].name = "word";
       s.columns[1].name = "id";
     },
     Passed::no, Kind::recopy,
     R"(ALTER TABLE "top"."p" RENAME COLUMN "id" TO "tributary 1"; )"
     R"(ALTER TABLE "top"."p" RENAME COLUMN "word" TO "tributary 2"; )"
     R"(ALTER TABLE "top"."p" RENAME COLUMN "tributary 1" TO "word"; )"
     R"(ALTER TABLE "top"."p" RENAME COLUMN "tributary 2" TO "id";)"},
    {"a wider column",
     [](TableShape& s) {
       s.columns[1].modifier = 24;
       s.columns[1].spelling = "character varying(20)";
     },
     Passed::no, Kind::in_place, R"(ALTER TABLE "top"."p" ALTER COLUMN "word" TYPE character varying(20);)"},
    {"a narrower column",
     [](TableShape& s) {
       s.columns[1].modifier = 9;
       s.columns[1].spelling = "character varying(5)";
       s.storage = "2";
     },
     Passed::no, Kind::recopy,
     R"(ALTER TABLE "top"."p" ALTER COLUMN "word" TYPE character varying(5) USING "word"::character varying(5);)"},
    {"a column of another type, whose rows are as they were",
     [](TableShape& s) {
       s.columns[1].type = 25;
       s.columns[1].modifier = -1;
       s.columns[1].spelling = "text";
     },
     Passed::no, Kind::recopy, R"(ALTER TABLE "top"."p" ALTER COLUMN "word" TYPE text USING "word"::text;)"},
    {"a column that may be NULL now", [](TableShape& s) { s.columns[0].not_null = false; }, Passed::no, Kind::in_place,
     R"(ALTER TABLE "top"."p" ALTER COLUMN "id" DROP NOT NULL;)"},
    {"a column that must have a value, before the stream is there", [](TableShape& s) { s.columns[1].not_null = true; },
     Passed::no, Kind::none, ""},
    {"a column that must have a value", [](TableShape& s) { s.columns[1].not_null = true; }, Passed::yes, Kind::none,
     R"( | ALTER TABLE "top"."p" ALTER COLUMN "word" SET NOT NULL;)"},
    {"a default", [](TableShape& s) { s.columns[1].expression = "now()"; }, Passed::yes, Kind::none,
     R"( | ALTER TABLE "top"."p" ALTER COLUMN "word" SET DEFAULT now();)"},
    {"a default, before the stream is there", [](TableShape& s) { s.columns[1].expression = "now()"; }, Passed::no,
     Kind::none, ""},
    {"an identity", [](TableShape& s) { s.columns[0].identity = "a"; }, Passed::yes, Kind::none,
     R"( | ALTER TABLE "top"."p" ALTER COLUMN "id" ADD GENERATED ALWAYS AS IDENTITY;)"},
    {"another name and schema",
     [](TableShape& s) {
       s.name = {"other", "u"};
     },
     Passed::no, Kind::in_place, ""},
    {"ATTACH before the stream is there",
     [](TableShape& s) {
       s.above = model::Name{"public", "p"};
       s.bound = "FOR VALUES IN (1)";
     },
     Passed::no, Kind::none, ""},
    {"ATTACH",
     [](TableShape& s) {
       s.above = model::Name{"public", "p"};
       s.bound = "FOR VALUES IN (1)";
     },
     Passed::yes, Kind::in_place, R"(ALTER TABLE "public"."p" ATTACH PARTITION "public"."t" FOR VALUES IN (1);)"},
    {"another table under its name",
     [](TableShape& s) {
       s.id = 2;
       s.storage = "2";
       s.columns[1].number = 7;
     },
     Passed::no, Kind::recopy, ""},
};

TEST(AChangedTable, is_carried_out_copied_again_or_left_alone) {
  for (const Case& each : cases) {
    TableShape now = shape();
    each.change(now);
    const ShapeChange change = compare(shape(), now, {"top", "p"}, each.passed);
    EXPECT_EQ(change.kind, each.kind) << each.name << ": " << change.what;
    EXPECT_EQ(all(change), each.statements) << each.name;
    EXPECT_EQ(change.what.empty(), each.kind == Kind::none) << each.name << ": " << change.what;
  }
}

TEST(AChangedTable, comes_to_rest_when_the_stream_has_passed_the_change) {
  for (const Case& each : cases) {
    TableShape now = shape();
    each.change(now);
    const TableShape first = compare(shape(), now, {"top", "p"}, Passed::no).adopted;
    const TableShape second = compare(first, now, {"top", "p"}, Passed::yes).adopted;
    const ShapeChange third = compare(second, now, {"top", "p"}, Passed::yes);
    EXPECT_EQ(third.kind, Kind::none) << each.name << ": " << third.what;
    EXPECT_EQ(all(third), "") << each.name;
    EXPECT_EQ(third.adopted, now) << each.name;
  }
}

// ALTER TYPE casts the default, too, by means of its own.
TEST(AChangedTable, of_which_a_column_has_another_type_has_no_default_there_until_the_stream_has_passed_the_change) {
  TableShape known = shape();
  known.columns[1].expression = "'none'::character varying";
  TableShape now = known;
  now.storage = "2";
  now.columns[1] = column(2, "word", 23, "integer");
  now.columns[1].expression = "5";
  const ShapeChange change = compare(known, now, {"top", "p"}, Passed::no);
  EXPECT_EQ(all(change), R"(ALTER TABLE "top"."p" ALTER COLUMN "word" DROP DEFAULT; )"
                         R"(ALTER TABLE "top"."p" ALTER COLUMN "word" TYPE integer USING "word"::integer;)");
  const ShapeChange later = compare(change.adopted, now, {"top", "p"}, Passed::yes);
  EXPECT_EQ(all(later), R"( | ALTER TABLE "top"."p" ALTER COLUMN "word" SET DEFAULT 5;)");
  EXPECT_EQ(later.adopted, now);
}

TEST(AChangedTable, that_is_detached_leaves_its_place) {
  TableShape known = shape();
  known.above = model::Name{"public", "p"};
  known.bound = "FOR VALUES IN (1)";
  const ShapeChange change = compare(known, shape(), {"public", "t"}, Passed::no);
  EXPECT_EQ(change.kind, Kind::in_place);
  EXPECT_EQ(all(change), R"(ALTER TABLE "public"."p" DETACH PARTITION "public"."t";)");
}

TEST(ATablesShape, comes_back_from_its_words) {
  TableShape full = shape();
  full.above = model::Name{"s", "p"};
  full.bound = "FOR VALUES IN ('a', 'b')";
  add(full, "");
  full.columns[2].missing = "";
  full.columns[2].collation = "\"s\".\"c\"";
  EXPECT_EQ(shape_of(words_of(full)).value(), full);
  EXPECT_EQ(shape_of(words_of(shape())).value(), shape());
  std::vector<std::string> words = words_of(full);
  words.pop_back();
  EXPECT_FALSE(shape_of(words));
  EXPECT_FALSE(shape_of({}));
  words = words_of(full);
  words[0] = "x";
  EXPECT_FALSE(shape_of(words));
}

}  // namespace
}  // namespace tributary::postgres
