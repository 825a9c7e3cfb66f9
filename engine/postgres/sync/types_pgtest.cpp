#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Types, functions and sequences that the source makes while a stream follows its tables, and values that it gives to
// types.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using testbed::wait_until;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};
// The target is brought to the source when rows come, or when its catalog has changed.
constexpr Seconds seldom{3'600};

bool are_equal(const StreamPair& pair) {
  return testbed::fingerprint(pair.target.uri()) == testbed::fingerprint(pair.source.uri());
}

std::string tables_aside(const StreamPair& pair) {
  return pair.target.scalar(
      "SELECT COALESCE(string_agg(table_name || ' ' || stream || ': ' || reason, '; ' ORDER BY table_name), '')"
      " FROM _tributary.table_state WHERE stream <> 'followed'");
}

void expect_followed(const StreamPair& pair, Following& following) {
  pair.wait_until_applied();
  wait_until("all are followed and equal", [&] { return tables_aside(pair).empty() && are_equal(pair); });
  pair.wait_until_applied();
  EXPECT_EQ(tables_aside(pair), "");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(are_equal(pair));
}

std::string labels(const testbed::Database& database, const std::string& type) {
  return database.scalar("SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = '" +
                         type + "'::regtype");
}

struct Case {
  const char* name;
  const char* before;  // the copy
  const char* change;
  const char* write;
};

const Case cases[] = {
    {"enum_of_a_column", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE TYPE mood AS ENUM ('sad', 'fine'); ALTER TABLE t ADD COLUMN m mood", "INSERT INTO t VALUES (2, 'fine')"},
    {"enum_of_a_new_schema", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE SCHEMA words; CREATE TYPE words.mood AS ENUM ('sad', 'fine');"
     "ALTER TABLE t ADD COLUMN m words.mood DEFAULT 'sad'",
     "INSERT INTO t VALUES (2, 'fine')"},
    {"array_of_an_enum", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE TYPE mood AS ENUM ('sad', 'fine'); ALTER TABLE t ADD COLUMN m mood[]",
     "INSERT INTO t VALUES (2, '{fine,sad}')"},
    {"domain", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE DOMAIN small AS int CHECK (VALUE < 100); ALTER TABLE t ADD COLUMN n small DEFAULT 7",
     "INSERT INTO t VALUES (2, 99)"},
    {"composite", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE TYPE pair AS (a int, b text); ALTER TABLE t ADD COLUMN p pair", "INSERT INTO t VALUES (2, '(5,\"x y\")')"},
    {"type_of_a_column", "CREATE TABLE t (id int PRIMARY KEY, m text); INSERT INTO t VALUES (1, 'sad')",
     "CREATE TYPE mood AS ENUM ('sad', 'fine'); ALTER TABLE t ALTER COLUMN m TYPE mood USING m::mood",
     "INSERT INTO t VALUES (2, 'fine')"},
    {"default_of_a_new_function", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE FUNCTION seven() RETURNS int LANGUAGE sql AS 'SELECT 7'; ALTER TABLE t ADD COLUMN n int;"
     "ALTER TABLE t ALTER COLUMN n SET DEFAULT seven()",
     "INSERT INTO t (id) VALUES (2)"},
    {"default_of_a_new_sequence", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE SEQUENCE numbers START 40; ALTER TABLE t ADD COLUMN n int;"
     "ALTER TABLE t ALTER COLUMN n SET DEFAULT nextval('numbers')",
     "INSERT INTO t (id) VALUES (2)"},
    {"schema_to_move_to", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
     "CREATE SCHEMA aside; ALTER TABLE t SET SCHEMA aside", "INSERT INTO aside.t VALUES (2)"},
    {"table_of_all_of_these", "CREATE TABLE t (id int PRIMARY KEY)",
     "CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('sad', 'fine'); CREATE DOMAIN s.small AS int CHECK (VALUE < 100);"
     "CREATE SEQUENCE s.numbers; CREATE FUNCTION s.seven() RETURNS int LANGUAGE sql AS 'SELECT 7';"
     "CREATE TABLE s.u (id int PRIMARY KEY DEFAULT nextval('s.numbers'), m s.mood, n s.small DEFAULT s.seven())",
     "INSERT INTO s.u (m) VALUES ('fine')"},
};

class NewTypes : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Each, NewTypes, ::testing::ValuesIn(cases),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(NewTypes, are_created_with_what_needs_them) {
  StreamPair pair("types", 15, 18);
  pair.source.exec(GetParam().before);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec(GetParam().change);
  pair.source.exec(GetParam().write);
  expect_followed(pair, following);
}

TEST_P(NewTypes, are_created_where_nobody_followed_meanwhile) {
  StreamPair pair("types_late", 13, 15);
  pair.source.exec(GetParam().before);
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec(GetParam().change);
  pair.source.exec(GetParam().write);
  Following following(pair.spec(api::Mode::sync), seldom);
  expect_followed(pair, following);
}

TEST(ADefault, of_a_new_function_and_of_a_new_sequence_comes_to_the_target) {
  StreamPair pair("default", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, a int, b int)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec(
      "CREATE FUNCTION seven() RETURNS int LANGUAGE sql AS 'SELECT 7'; CREATE SEQUENCE numbers;"
      "ALTER TABLE t ALTER a SET DEFAULT seven(), ALTER b SET DEFAULT nextval('numbers')");
  wait_until("both have come", [&] {
    return pair.target.scalar("SELECT count(*) FROM pg_attrdef WHERE adrelid = 't'::regclass") == "2";
  });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// A domain over an enum whose name is a table's there.
TEST(ANewTable, is_created_though_the_target_refuses_what_it_does_not_need) {
  StreamPair pair("beside", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE SCHEMA s; CREATE TABLE s.taken (n int)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(
      "CREATE SCHEMA s; CREATE TYPE s.taken AS ENUM ('a'); CREATE DOMAIN s.of_taken AS s.taken CHECK (VALUE = 'a');"
      "CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  wait_until("it is followed", [&] { return testbed::state_of(pair, "fresh") == "followed"; });
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM fresh"), "1");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// ------------------------------------------------------------------------------------------- values

const char* const moods =
    "CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE DOMAIN state AS mood;"
    "CREATE TABLE t (id int PRIMARY KEY, m mood); INSERT INTO t VALUES (1, 'sad');"
    "CREATE TABLE u (id int PRIMARY KEY, m mood[]); INSERT INTO u VALUES (1, '{sad,fine}');"
    "CREATE TABLE v (id int PRIMARY KEY, s state); INSERT INTO v VALUES (1, 'fine')";
const char* const more_moods[] = {
    "ALTER TYPE mood ADD VALUE 'grim' BEFORE 'sad'", "ALTER TYPE mood ADD VALUE 'it''s so-so' AFTER 'sad'",
    "ALTER TYPE mood ADD VALUE 'happy'",
    "INSERT INTO t VALUES (2, 'happy'), (3, 'it''s so-so'); UPDATE u SET m = '{grim,happy}';"
    "INSERT INTO v VALUES (2, 'grim')"};

TEST(ValuesOfAnEnum, are_added_where_the_source_has_them_when_rows_come_with_them) {
  for (const auto& [from, to] : {std::pair{13, 15}, std::pair{18, 18}}) {
    StreamPair pair("values", from, to);
    pair.source.exec(moods);
    ASSERT_TRUE(done(pair.init()));
    Following following(pair.spec(api::Mode::sync), seldom);
    pair.wait_until_applied();
    for (const char* each : more_moods) pair.source.exec(each);
    expect_followed(pair, following);
    EXPECT_EQ(labels(pair.target, "mood"), "grim sad it's so-so fine happy");
  }
}

TEST(ValuesOfAnEnum, are_added_where_nobody_followed_meanwhile) {
  StreamPair pair("values_late", 15, 18);
  pair.source.exec(moods);
  ASSERT_TRUE(done(pair.init()));
  for (const char* each : more_moods) pair.source.exec(each);
  Following following(pair.spec(api::Mode::sync), seldom);
  expect_followed(pair, following);
  EXPECT_EQ(labels(pair.target, "mood"), "grim sad it's so-so fine happy");
}

TEST(ValuesOfAnEnum, are_added_where_no_row_has_them_yet) {
  StreamPair pair("values_alone", 15, 18);
  pair.source.exec(moods);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("ALTER TYPE mood ADD VALUE 'grim' BEFORE 'sad'");
  wait_until("the target has it", [&] { return labels(pair.target, "mood") == "grim sad fine"; });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// While many changes come at once and go by sets, in one transaction with others.
TEST(ValuesOfAnEnum, are_added_amid_a_large_transaction) {
  StreamPair pair("values_large", 15, 18);
  pair.source.exec(std::string(moods) + "; CREATE TABLE w (id int PRIMARY KEY, n int)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("ALTER TYPE mood ADD VALUE 'happy'");
  pair.source.exec(
      "BEGIN; INSERT INTO w SELECT i, i FROM generate_series(1, 5000) i;"
      "INSERT INTO t SELECT i, 'happy' FROM generate_series(10, 5000) i; UPDATE w SET n = -n; COMMIT");
  expect_followed(pair, following);
}

// Of a type that no table has had until now.
TEST(ValuesOfAnEnum, are_added_for_a_new_table) {
  StreamPair pair("values_new", 15, 18);
  pair.source.exec("CREATE TYPE mood AS ENUM ('sad', 'fine')");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("ALTER TYPE mood ADD VALUE 'happy'");
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, m mood); INSERT INTO t VALUES (1, 'happy')");
  expect_followed(pair, following);
}

// What the source calls otherwise now has no word in the log.
TEST(ValuesOfAnEnum, that_are_renamed_have_the_tables_that_use_them_copied_again) {
  StreamPair pair("values_renamed", 15, 18);
  pair.source.exec(std::string(moods) + "; CREATE TABLE w (id int PRIMARY KEY); INSERT INTO w VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
  expect_followed(pair, following);
  EXPECT_EQ(pair.target.scalar("SELECT m::text FROM t"), "blue");
  EXPECT_EQ(pair.target.scalar("SELECT position = (SELECT start FROM _tributary.stream) FROM _tributary.table_state"
                               " WHERE table_name = 'w'"),
            "t")
      << "it has nothing to do with it";
}

TEST(ValuesOfAnEnum, stop_the_tables_that_use_them_where_that_is_asked_for) {
  StreamPair pair("values_policy", 15, 18);
  pair.source.exec(std::string(moods) + "; CREATE TABLE w (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.sync.schema_changes = api::SchemaChanges::stop;
  Following following(spec, often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TYPE mood ADD VALUE 'happy' AFTER 'sad'");
  pair.source.exec("INSERT INTO t VALUES (2, 'happy'); INSERT INTO w VALUES (1)");
  pair.wait_until_applied();
  wait_until("all three are told of", [&] {
    return pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE stream = 'stopped'") == "3";
  });
  EXPECT_THAT(tables_aside(pair),
              HasSubstr("t stopped: the source has changed it: type public.mood of its rows has other values; run on "
                        "the target: ALTER TYPE \"public\".\"mood\" ADD VALUE IF NOT EXISTS 'happy' AFTER 'sad'; then "
                        "copy it again"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM w"), "1") << "the others go on";
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(ValuesOfAnEnum, come_to_a_table_that_is_being_copied_again) {
  StreamPair pair("values_recopied", 15, 18);
  pair.source.exec(moods);
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec("ALTER TYPE mood ADD VALUE 'happy'");
  pair.source.exec("INSERT INTO t VALUES (2, 'happy'); UPDATE u SET m = '{happy}'");
  for (const char* table : {"t", "u", "v"}) testbed::ask_for(pair, table);
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.source.exec("ALTER TYPE mood ADD VALUE 'glad'");
  pair.source.exec("INSERT INTO t VALUES (3, 'glad'); INSERT INTO v VALUES (3, 'glad')");
  expect_followed(pair, following);
}

struct Remade {
  const char* name;
  const char* before;  // the copy: table t with column v
  const char* change;  // of the source's type
  const char* write;
  const char* mend;  // of the target's
  const char* reason;
};

const Remade remade[] = {
    {"domain", "CREATE DOMAIN price AS numeric(10,2); CREATE TABLE t (id int PRIMARY KEY, v price)",
     "CREATE DOMAIN other AS numeric(12,4); ALTER TABLE t ALTER v TYPE other; DROP DOMAIN price;"
     "ALTER DOMAIN other RENAME TO price",
     "INSERT INTO t VALUES (2, 1.2345)",
     "ALTER DOMAIN price RENAME TO former; CREATE DOMAIN price AS numeric(12,4); ALTER TABLE t ALTER v TYPE price",
     "type public.price of its rows is numeric(12,4) on the source and numeric(10,2) on the target"},
    {"domain_in_an_array", "CREATE DOMAIN tens AS numeric(6,1)[]; CREATE TABLE t (id int PRIMARY KEY, v tens[])",
     "CREATE DOMAIN other AS numeric[]; ALTER TABLE t ALTER v TYPE other[] USING NULL; DROP DOMAIN tens;"
     "ALTER DOMAIN other RENAME TO tens",
     "INSERT INTO t VALUES (2, ARRAY['{1.25}'::tens])",
     "ALTER DOMAIN tens RENAME TO former; CREATE DOMAIN tens AS numeric[]; ALTER TABLE t ALTER v TYPE tens[] USING "
     "NULL",
     "type public.tens of its rows is numeric[] on the source and numeric(6,1)[] on the target"},
    {"attributes", "CREATE TYPE addr AS (street text, zip text); CREATE TABLE t (id int PRIMARY KEY, v addr)",
     "ALTER TYPE addr DROP ATTRIBUTE street; ALTER TYPE addr ADD ATTRIBUTE city text",
     "INSERT INTO t VALUES (2, ('9999', 'Bern'))",
     "ALTER TYPE addr DROP ATTRIBUTE street; ALTER TYPE addr ADD ATTRIBUTE city text",
     "type public.addr of its rows is (zip text, city text) on the source and (street text, zip text) on the target"},
    {"names_of_attributes", "CREATE TYPE ab AS (a int, b int); CREATE TABLE t (id int PRIMARY KEY, v ab)",
     "ALTER TYPE ab RENAME ATTRIBUTE a TO c; ALTER TYPE ab RENAME ATTRIBUTE b TO a;"
     "ALTER TYPE ab RENAME ATTRIBUTE c TO b",
     "INSERT INTO t VALUES (2, (1, 2))",
     "ALTER TYPE ab RENAME ATTRIBUTE a TO c; ALTER TYPE ab RENAME ATTRIBUTE b TO a;"
     "ALTER TYPE ab RENAME ATTRIBUTE c TO b",
     "type public.ab of its rows is (b integer, a integer) on the source and (a integer, b integer) on the target"},
};

class ATypeOfAnotherForm : public testing::TestWithParam<Remade> {};

INSTANTIATE_TEST_SUITE_P(, ATypeOfAnotherForm, testing::ValuesIn(remade),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(ATypeOfAnotherForm, stops_the_tables_that_use_it_until_the_target_has_it) {
  const Remade& given = GetParam();
  StreamPair pair(std::string("form_") + given.name, 15, 18);
  pair.source.exec(std::string(given.before) + "; CREATE TABLE u (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec(given.change);
  pair.source.exec(given.write);
  testbed::wait_until_back(pair, "t", "stopped");
  EXPECT_THAT(testbed::reason_of(pair, "t"), HasSubstr(given.reason));
  testbed::ask_for(pair, "t");
  testbed::wait_until_back(pair, "t", "stopped");
  pair.source.exec("INSERT INTO u VALUES (1)");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM u"), "1");
  pair.target.exec(given.mend);
  testbed::ask_for(pair, "t");
  expect_followed(pair, following);
}

}  // namespace
}  // namespace tributary::postgres::sync
