#include "engine/postgres/verify/verify.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/postgres/verify/testing/repair_steps.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using testbed::server;
using Kind = api::RowDifference::Kind;

// Two databases that nobody replicates; what is on them is the test's.
struct TwoDatabases {
  explicit TwoDatabases(int from = 15, int to = 18, const std::string& source_options = "",
                        const std::string& target_options = "")
      : source(server(from).create_database("verify_source", source_options)),
        target(server(to).create_database("verify_target", target_options)) {}

  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  api::Spec spec() const {
    api::Spec spec;
    spec.source.uri = source.uri();
    spec.target.uri = target.uri();
    spec.snapshot.parallelism = 2;
    return spec;
  }
  api::Verification compare(const Flags& flags = {}, const Repair& repair = nullptr) const {
    pipeline::ProgressBoard board("");
    const Result<api::Verification> verified =
        verify(spec(), flags, board, repair, {Deadline::after(Seconds{120}), {}});
    EXPECT_TRUE(verified) << (verified ? "" : describe(verified.error()));
    return verified ? *verified : api::Verification{};
  }
  // Of the only table.
  api::TableVerification table(const Flags& flags = {}, const Repair& repair = nullptr) const {
    const api::Verification found = compare(flags, repair);
    EXPECT_EQ(found.tables.size(), 1U);
    return found.tables.empty() ? api::TableVerification{} : found.tables.front();
  }

  testbed::Database source;
  testbed::Database target;
};

std::string shown(const api::TableVerification& table) {
  std::string text = table.name + " " + table.reason;
  for (const api::RowDifference& row : table.rows) {
    text += std::string("\n  ") +
            (row.kind == Kind::differs   ? "differs "
             : row.kind == Kind::missing ? "missing "
                                         : "extra ") +
            row.key;
    for (const std::string& column : row.columns) text += " " + column;
  }
  return text;
}

void expect_equal(const api::Verification& found) {
  EXPECT_EQ(found.result, Comparison::equal);
  for (const api::TableVerification& table : found.tables) EXPECT_EQ(table.result, Comparison::equal) << shown(table);
}

// ---------------------------------------------------------------------------------------------- equal

TEST(Verify, finds_equal_what_is_equal_in_another_order_of_rows_and_columns) {
  const TwoDatabases pair;
  pair.source.exec(
      "CREATE TABLE t (id bigint PRIMARY KEY, a text, b numeric, c timestamptz);"
      "INSERT INTO t SELECT i, 'row ' || i, i / 7.0, '2020-01-01'::timestamptz + i * interval '1 h'"
      " FROM generate_series(1, 5000) i");
  pair.target.exec(
      "CREATE TABLE t (c timestamptz, gone int, b numeric, a text, id bigint PRIMARY KEY);"
      "ALTER TABLE t DROP COLUMN gone;"
      "INSERT INTO t SELECT '2020-01-01'::timestamptz + i * interval '1 h', i / 7.0, 'row ' || i, i"
      " FROM generate_series(5000, 1, -1) i");
  const api::Verification found = pair.compare();
  expect_equal(found);
  EXPECT_EQ(found.rows, 5000U);
  EXPECT_EQ(found.tables_compared, 1U);
  EXPECT_EQ(found.position, "");
}

TEST(Verify, finds_tables_equal_that_are_empty) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE bare (a int); CREATE TABLE nothing ()");
  const api::Verification found = pair.compare();
  expect_equal(found);
  EXPECT_EQ(found.tables.size(), 3U);
}

TEST(Verify, is_not_misled_by_settings_of_databases) {
  const TwoDatabases pair(17, 18, "LC_COLLATE 'C' TEMPLATE template0", "LC_COLLATE 'C.UTF-8' TEMPLATE template0");
  pair.both(
      "CREATE TABLE t (name text PRIMARY KEY, at timestamptz, took interval, weight float8, cost money, bits bytea)");
  pair.both(
      "INSERT INTO t SELECT chr(64 + i) || 'é' || i, '2020-06-01 12:00+00'::timestamptz + i * interval '1 day',"
      " i * interval '1 month 1 second', i / 3.0, i::float8::numeric::money, decode(md5(i::text), 'hex')"
      " FROM generate_series(1, 60) i");
  const std::string name = pair.target.name();
  pair.target.exec("ALTER DATABASE " + name + " SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE " + name +
                   " SET DateStyle = 'SQL, DMY'; ALTER DATABASE " + name +
                   " SET IntervalStyle = 'iso_8601'; ALTER DATABASE " + name +
                   " SET extra_float_digits = -3; ALTER DATABASE " + name + " SET bytea_output = 'escape'");
  expect_equal(pair.compare());
}

TEST(Verify, compares_majors_that_know_no_hash_of_records) {
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{12, 18}, {13, 15}, {18, 18}}) {
    const TwoDatabases pair(from, to);
    pair.both(
        "CREATE TABLE t (id int PRIMARY KEY, a text, f float8, j jsonb, n numeric, x int[]);"
        "INSERT INTO t SELECT i, nullif('v' || i, 'v7'), i / 9.0, jsonb_build_object('k', i, 'l', 1.0), i / 8.0,"
        " ARRAY[i, NULL] FROM generate_series(1, 300) i");
    expect_equal(pair.compare());
    pair.target.exec("UPDATE t SET a = '' WHERE id = 7");
    const api::TableVerification table = pair.table();
    EXPECT_EQ(shown(table), "public.t \n  differs id=7 a") << from << " to " << to;
  }
}

TEST(Verify, compares_databases_of_different_encodings) {
  const TwoDatabases pair(17, 18, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  pair.both("CREATE TABLE t (name text PRIMARY KEY, c char(5), j json)");
  pair.both("INSERT INTO t VALUES ('caf' || chr(233), chr(233), ('{\"a\": \"' || chr(233) || '\"}')::json)");
  expect_equal(pair.compare());
}

TEST(Verify, takes_partitions_for_the_table_that_they_are) {
  const TwoDatabases pair;
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);"
      "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE t2 PARTITION OF t DEFAULT");
  pair.target.exec("CREATE TABLE t (id int PRIMARY KEY, a text)");
  pair.both("INSERT INTO t SELECT i, 'a' || i FROM generate_series(1, 300) i");
  expect_equal(pair.compare());
  pair.target.exec("DELETE FROM t WHERE id = 150");
  EXPECT_EQ(shown(pair.table()), "public.t \n  missing id=150");
}

TEST(Verify, leaves_tables_that_inherit_to_themselves) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);"
      "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1), (2)");
  const api::Verification found = pair.compare();
  expect_equal(found);
  EXPECT_EQ(found.rows, 3U);
}

// ---------------------------------------------------------------------------------------------- planted

struct Planted {
  std::string columns;  // of table t beside `id int PRIMARY KEY`
  std::string source;   // VALUES
  std::string target;
  std::string expected;
};

class ADifference : public testing::TestWithParam<Planted> {};

TEST_P(ADifference, is_found_and_named) {
  const Planted& planted = GetParam();
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{18, 18}, {13, 17}}) {
    const TwoDatabases pair(from, to);
    pair.source.exec("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN mood_domain AS mood");
    pair.target.exec("CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN mood_domain AS mood");
    pair.both("CREATE TABLE t (id int PRIMARY KEY, " + planted.columns + ")");
    pair.source.exec("INSERT INTO t VALUES " + planted.source);
    pair.target.exec("INSERT INTO t VALUES " + planted.target);
    const api::TableVerification table = pair.table();
    EXPECT_EQ(table.result, Comparison::different);
    EXPECT_EQ(shown(table), "public.t \n  " + planted.expected) << from << " to " << to;
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, ADifference,
    testing::Values(
        Planted{"a bytea", "(1, '\\x00ff00')", "(1, '\\x00fe00')", "differs id=1 a"},
        Planted{"a text", "(1, NULL)", "(1, '')", "differs id=1 a"},
        Planted{"a text, b text", "(1, 'a', NULL)", "(1, NULL, 'a')", "differs id=1 a b"},
        Planted{"a text, b text", "(1, 'a|b', 'c')", "(1, 'a', 'b|c')", "differs id=1 a b"},
        Planted{"a text", "(1, 'x')", "(1, 'x ')", "differs id=1 a"},
        Planted{"a text", "(1, U&'e\\0301')", "(1, U&'\\00e9')", "differs id=1 a"},
        Planted{"a char(4)", "(1, 'x')", "(1, 'y')", "differs id=1 a"},
        Planted{"a bpchar", "(1, 'x')", "(1, 'x  ')", "differs id=1 a"},
        Planted{"a text", "(1, 'x'), (2, 'y')", "(1, 'y'), (2, 'x')", "differs id=1 a\n  differs id=2 a"},
        Planted{"a int, b int", "(1, 1, 2), (2, 2, 1)", "(1, 2, 1), (2, 1, 2)", "differs id=1 a b\n  differs id=2 a b"},
        Planted{"a numeric", "(1, 1.0)", "(1, 1.00)", "differs id=1 a"},
        Planted{"a float8", "(1, 0)", "(1, '-0')", "differs id=1 a"},
        Planted{"a float8", "(1, 0.1)", "(1, 0.1::float8 + 1e-17::float8 * 2)", "differs id=1 a"},
        Planted{"a float4[]", "(1, '{0}')", "(1, '{-0}')", "differs id=1 a"},
        Planted{"a bigint", "(1, 1)", "(1, 4294967296)", "differs id=1 a"},
        Planted{"a timestamp", "(1, '2020-01-01 00:00:00')", "(1, '2020-01-01 00:00:00.000001')", "differs id=1 a"},
        Planted{"a interval", "(1, '1 day')", "(1, '24 hours')", "differs id=1 a"},
        Planted{"a json", "(1, '{\"a\":1}')", "(1, '{\"a\": 1}')", "differs id=1 a"},
        Planted{"a jsonb", "(1, '{\"a\": 1.0}')", "(1, '{\"a\": 1.00}')", "differs id=1 a"},
        Planted{"a point", "(1, '(1,2)')", "(1, '(1,2.5)')", "differs id=1 a"},
        Planted{"a xml", "(1, '<a/>')", "(1, '<b/>')", "differs id=1 a"},
        Planted{"a int[]", "(1, '{1,NULL}')", "(1, '{1}')", "differs id=1 a"},
        Planted{"a int[]", "(1, '{1,2}')", "(1, '[2:3]={1,2}')", "differs id=1 a"},
        Planted{"a int[]", "(1, '{1,2}')", "(1, '{{1,2}}')", "differs id=1 a"},
        Planted{"a text[]", "(1, '{a,b}')", "(1, '{b,a}')", "differs id=1 a"},
        Planted{"a text[]", "(1, '{a,NULL}')", "(1, '{a,\"\"}')", "differs id=1 a"},
        Planted{"a text[]", "(1, NULL)", "(1, '{}')", "differs id=1 a"},
        Planted{"a text[]", "(1, '{a}'), (2, '{b}')", "(1, '{b}'), (2, '{a}')", "differs id=1 a\n  differs id=2 a"},
        Planted{"a mood", "(1, 'sad')", "(1, 'glad')", "differs id=1 a"},
        Planted{"a mood_domain", "(1, 'sad')", "(1, 'glad')", "differs id=1 a"},
        Planted{"a text", "(1, 'a'), (2, 'b')", "(1, 'a')", "missing id=2"},
        Planted{"a text", "(1, 'a')", "(1, 'a'), (3, 'b')", "extra id=3"},
        Planted{"a boolean", "(1, NULL)", "(1, false)", "differs id=1 a"}));

TEST(Verify, finds_text_that_differs_though_its_collation_takes_it_for_equal) {
  for (const std::string type : {"text", "varchar(9)", "char(9)"}) {
    const TwoDatabases pair;
    pair.both(
        "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE t (id int PRIMARY KEY, a " +
        type + " COLLATE caseless)");
    pair.source.exec("INSERT INTO t VALUES (1, 'a')");
    pair.target.exec("INSERT INTO t VALUES (1, 'A')");
    EXPECT_EQ(shown(pair.table()), "public.t \n  differs id=1 a") << type;
  }
}

TEST(Verify, finds_a_generated_column_that_is_computed_in_another_way) {
  const TwoDatabases pair;
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 1) STORED)");
  pair.target.exec("CREATE TABLE t (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 2) STORED)");
  pair.both("INSERT INTO t (id, a) VALUES (1, 1)");
  EXPECT_EQ(shown(pair.table()), "public.t \n  differs id=1 b");
}

TEST(Verify, counts_rows_of_a_table_without_a_key) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, NULL), (3, 'z')");
  EXPECT_EQ(pair.table().result, Comparison::equal);
  pair.target.exec("INSERT INTO t VALUES (1, 'x'); UPDATE t SET b = '' WHERE a = 2");
  const api::TableVerification table = pair.table();
  EXPECT_EQ(table.missing, 1U);
  EXPECT_EQ(table.extra, 2U);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows.front().key.substr(0, 5), "ctid=") << shown(table);
}

TEST(Verify, counts_rows_that_are_nothing_but_null) {
  for (const std::string type : {"int", "bigint", "text"}) {
    const TwoDatabases pair;
    pair.both("CREATE TABLE t (a " + type +
              "); INSERT INTO t SELECT nullif(i % 100, 0) FROM generate_series(1, 300) i");
    EXPECT_EQ(pair.table().result, Comparison::equal);
    pair.target.exec("UPDATE t SET a = NULL WHERE a = '7'");
    const api::TableVerification table = pair.table();
    EXPECT_EQ(table.missing, 3U) << type;
    EXPECT_EQ(table.extra, 3U) << type;
  }
}

TEST(Verify, finds_values_that_rows_without_a_key_have_swapped) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (a int, b int)");
  pair.source.exec("INSERT INTO t VALUES (1, 10), (2, 20)");
  pair.target.exec("INSERT INTO t VALUES (1, 20), (2, 10)");
  EXPECT_EQ(pair.table().missing, 2U);
}

// Groups of the first sums: what is swapped within one must not add up to the same.
TEST(Verify, finds_values_that_rows_of_one_group_have_swapped) {
  const TwoDatabases pair(17, 18);
  pair.both(
      "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text);"
      "INSERT INTO t SELECT i, i, 'b' || i FROM generate_series(1, 640) i");
  pair.target.exec(
      "WITH moved AS (SELECT id, coalesce(lead(a) OVER w, first_value(a) OVER w) AS a FROM t"
      " WINDOW w AS (PARTITION BY hashint4extended(id, 0) & 31 ORDER BY id))"
      "UPDATE t SET a = moved.a FROM moved WHERE t.id = moved.id");
  EXPECT_EQ(pair.table().differing, 640U);
}

TEST(Verify, finds_a_key_twice_where_the_target_has_none) {
  const TwoDatabases pair;
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')");
  pair.target.exec("CREATE TABLE t (id int NOT NULL, a text); INSERT INTO t VALUES (1, 'x'), (1, 'x')");
  EXPECT_EQ(shown(pair.table()), "public.t \n  extra id=1");
}

TEST(Verify, finds_rows_whose_key_is_null_on_the_target) {
  for (const std::string type : {"int", "text"}) {
    const TwoDatabases pair;
    pair.source.exec("CREATE TABLE t (id " + type + " PRIMARY KEY)");
    pair.target.exec("CREATE TABLE t (id " + type + ")");
    pair.both("INSERT INTO t SELECT i FROM generate_series(1, 300) i");
    EXPECT_EQ(pair.table().result, Comparison::equal);
    pair.target.exec("INSERT INTO t VALUES (NULL)");
    const api::TableVerification table = pair.table();
    EXPECT_EQ(table.reason, "");
    EXPECT_EQ(table.extra, 1U) << type;
  }
}

TEST(Verify, finds_few_rows_among_many_in_ranges_of_the_key) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE t (tenant int, id uuid, a text, PRIMARY KEY (tenant, id));"
      "INSERT INTO t SELECT i % 7, md5(i::text)::uuid, 'a' || i FROM generate_series(1, 100000) i; ANALYZE t");
  pair.target.exec("DELETE FROM t WHERE a = 'a777'; UPDATE t SET a = a || ' ' WHERE a IN ('a5', 'a99999')");
  const api::TableVerification table = pair.table();
  EXPECT_EQ(table.missing, 1U);
  EXPECT_EQ(table.differing, 2U);
  EXPECT_EQ(table.source_rows, 100000U);
  EXPECT_EQ(table.target_rows, 99999U);
}

TEST(Verify, names_the_first_hundred_of_many) {
  const TwoDatabases pair;
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 30000)");
  pair.target.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const api::TableVerification table = pair.table();
  EXPECT_EQ(table.missing, 30000U);
  EXPECT_EQ(table.rows.size(), 100U);
}

TEST(Verify, tells_of_tables_and_columns_that_the_target_lacks) {
  const TwoDatabases pair;
  pair.source.exec(
      "CREATE TABLE a (id int PRIMARY KEY, x int, y int); CREATE TABLE b (id int PRIMARY KEY);"
      "INSERT INTO b VALUES (1), (2)");
  pair.target.exec("CREATE TABLE a (id int PRIMARY KEY, x int)");
  const api::Verification found = pair.compare();
  ASSERT_EQ(found.tables.size(), 2U);
  EXPECT_EQ(found.tables[0].reason, "the target lacks column y");
  EXPECT_EQ(found.tables[0].result, Comparison::different);
  EXPECT_EQ(found.tables[1].reason, "the target has no such table");
  EXPECT_EQ(found.tables[1].missing, 2U);
  EXPECT_EQ(found.tables_different, 2U);
}

TEST(Verify, shows_values_only_where_it_is_asked_to) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (id int PRIMARY KEY, a text, b int)");
  pair.source.exec("INSERT INTO t VALUES (1, 'secret', 1), (2, 'more', 2)");
  pair.target.exec("INSERT INTO t VALUES (1, NULL, 1)");
  EXPECT_TRUE(pair.table().rows.at(0).values.empty());
  const api::TableVerification table = pair.table({.show_values = true});
  ASSERT_EQ(table.rows.size(), 2U);
  const std::vector<api::RowDifference::Value> differing{{"a", "secret", "NULL"}};
  EXPECT_EQ(table.rows[0].values, differing);
  const std::vector<api::RowDifference::Value> missing{{"id", "2", ""}, {"a", "more", ""}, {"b", "2", ""}};
  EXPECT_EQ(table.rows[1].values, missing);
}

TEST(Verify, claims_nothing_of_what_it_may_not_read) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE closed (id int PRIMARY KEY); CREATE TABLE open (id int PRIMARY KEY);"
      "CREATE TABLE hidden (id int PRIMARY KEY); INSERT INTO hidden VALUES (1)");
  const std::string role = pair.target.name() + "_reader";
  pair.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT SELECT ON open, hidden TO " + role +
                   "; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY");
  api::Spec spec = pair.spec();
  spec.target.uri = server(18).tcp_uri(pair.target.name(), role, "p");
  pipeline::ProgressBoard board("");
  const auto found = verify(spec, {}, board, nullptr, {Deadline::after(Seconds{60}), {}});
  pair.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->result, Comparison::not_compared);
  EXPECT_EQ(found->tables_compared, 1U);
  ASSERT_EQ(found->tables_not_compared, 2U);
  for (const api::TableVerification& table : found->tables) {
    EXPECT_EQ(table.result, table.name == "public.open" ? Comparison::equal : Comparison::not_compared);
    EXPECT_EQ(table.reason.empty(), table.name == "public.open");
  }
}

TEST(Verify, says_what_has_a_tables_name_on_the_target) {
  const TwoDatabases pair;
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE v (id int)");
  pair.target.exec("CREATE VIEW t AS SELECT 1 AS id; CREATE TYPE u AS (id int)");
  std::string told;
  for (const api::TableVerification& table : pair.compare().tables) {
    EXPECT_EQ(table.result, Comparison::different);
    told += table.name + ": " + table.reason + "\n";
  }
  EXPECT_EQ(told,
            "public.t: the target has no such table, but a view of this name\n"
            "public.u: the target has no such table, but a type of this name\n"
            "public.v: the target has no such table\n");
}

TEST(Verify, tells_of_the_first_rows_by_their_key) {
  const TwoDatabases pair;
  pair.both("CREATE TABLE t (id int PRIMARY KEY, a int)");
  pair.source.exec("INSERT INTO t SELECT i, 0 FROM generate_series(1, 3000) i");
  pair.target.exec("INSERT INTO t SELECT i, 1 FROM generate_series(3000, 1, -1) i");
  for (const bool show : {false, true}) {
    Flags flags;
    flags.show_values = show;
    const api::TableVerification table = pair.table(flags);
    EXPECT_EQ(table.differing, 3000U);
    ASSERT_EQ(table.rows.size(), 100U);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(table.rows[static_cast<std::size_t>(i)].key, "id=" + std::to_string(i + 1));
      EXPECT_EQ(table.rows[static_cast<std::size_t>(i)].columns, std::vector<std::string>{"a"});
    }
  }
}

TEST(Verify, compares_the_other_databases_where_one_cannot_be_asked) {
  const testbed::Database first = server(15).create_database("verify_first");
  const testbed::Database second = server(15).create_database("verify_second");
  const testbed::Database elsewhere = server(18).create_database("verify_elsewhere");
  elsewhere.exec("CREATE DATABASE " + first.name());
  for (const std::string& uri : {first.uri(), server(18).uri(first.name())})
    testbed::Session(uri).exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  api::Spec spec;
  spec.source.uri = first.uri();
  spec.target.uri = elsewhere.uri();
  spec.selection.include_databases = {second.name(), first.name()};
  pipeline::ProgressBoard board("");
  const auto found = verify(spec, {}, board, nullptr, {Deadline::after(Seconds{60}), {}});
  elsewhere.exec("DROP DATABASE " + first.name() + " WITH (FORCE)");
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->result, Comparison::not_compared);
  EXPECT_EQ(found->tables_compared, 1U);
  EXPECT_EQ(found->tables_not_compared, 1U);
  for (const api::TableVerification& table : found->tables) {
    EXPECT_EQ(table.database == first.name(), table.result == Comparison::equal) << table.reason;
    EXPECT_EQ(table.name, table.database == first.name() ? "public.t" : "*");
  }
}

// ---------------------------------------------------------------------------------------------- repair

TEST(Verify, writes_statements_that_make_the_target_what_the_source_is) {
  const TwoDatabases pair;
  pair.both(
      "CREATE TABLE keyed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, j jsonb, b bytea,"
      " g int GENERATED ALWAYS AS (length(a)) STORED);"
      "CREATE TABLE bare (a int, b text[])");
  pair.source.exec(
      "INSERT INTO keyed (a, j, b) VALUES ('it''s', '{\"a\": 1}', '\\x00'), (NULL, NULL, NULL), ('\\', '[]', '');"
      "INSERT INTO bare VALUES (1, '{a,NULL}'), (1, '{a,NULL}'), (2, NULL)");
  pair.target.exec(
      "INSERT INTO keyed (a, j, b) VALUES ('its', '{\"a\": 1}', '\\x01'), ('', NULL, NULL);"
      "INSERT INTO keyed (id, a) OVERRIDING SYSTEM VALUE VALUES (9, 'extra');"
      "INSERT INTO bare VALUES (1, '{a,NULL}'), (3, '{}'), (3, '{}'), (3, '{}')");
  testbed::RepairSteps script;
  const api::Verification found = pair.compare({}, [&](const RepairPlace& place, const RepairStep& step) {
    EXPECT_EQ(place.database, pair.target.name());
    EXPECT_EQ(place.encoding, "UTF8");
    script.take(step);
    return Result<void>{};
  });
  EXPECT_EQ(found.result, Comparison::different);
  EXPECT_EQ(script.run(pair.target.uri()), "");
  expect_equal(pair.compare());
  const std::string content = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ";
  EXPECT_EQ(pair.target.scalar(content + "keyed t"), pair.source.scalar(content + "keyed t"));
  EXPECT_EQ(pair.target.scalar(content + "bare t"), pair.source.scalar(content + "bare t"));
}

}  // namespace
}  // namespace tributary::postgres::verify
