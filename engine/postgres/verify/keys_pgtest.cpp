#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/verify/comparison.h"
#include "engine/postgres/verify/testing/repair_steps.h"
#include "engine/testing/postgres_server.h"

// Keys that are not one number: what the tables drawn at random have found, each by itself.
namespace tributary::postgres::verify {
namespace {

using testbed::server;
using testbed::Session;

struct Ends {
  explicit Ends(const std::string& source_options = "", const std::string& target_options = "")
      : source(server(17).create_database("keys_source", source_options)),
        target(server(18).create_database("keys_target", target_options)) {}

  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  api::TableVerification compare(const RangeSizes& sizes = {}) {
    script = {};
    ComparisonOptions options;
    options.database = source.name();
    api::Endpoint ends[2];
    ends[0].uri = source.uri();
    ends[1].uri = target.uri();
    options.ends = {[&] { return resolve(ends[0], "source"); }, [&] { return resolve(ends[1], "target"); }};
    options.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
    options.sizes = sizes;
    options.repair = [&](const RepairStep& step) {
      script.take(step);
      return Result<void>{};
    };
    pipeline::ProgressBoard board("");
    api::Verification found;
    const Result<void> compared = compare_database(options, board, found, {Deadline::after(Seconds{120}), {}});
    EXPECT_TRUE(compared) << (compared ? "" : describe(compared.error()));
    EXPECT_EQ(found.tables.size(), 1U);
    if (found.tables.empty()) return {};
    EXPECT_EQ(found.tables.front().reason, "");
    return found.tables.front();
  }
  void mend() const { EXPECT_EQ(script.run(target.uri()), ""); }
  void expect_equal_texts() const {
    const std::string content = "SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\"), '') FROM t";
    EXPECT_EQ(target.scalar(content), source.scalar(content)) << script.text();
  }

  testbed::Database source;
  testbed::Database target;
  testbed::RepairSteps script;
};

class AKey : public testing::TestWithParam<std::pair<std::string, std::vector<std::string>>> {};

// By the schema `public`, which is not on the search_path of a comparison.
TEST_P(AKey, is_found_again_whatever_its_type) {
  const auto& [type, values] = GetParam();
  Ends ends;
  ends.both(
      "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION isn;"
      "CREATE TYPE pair AS (a int, b text); CREATE TYPE mood AS ENUM ('ok', 'sad', 'bad'); CREATE DOMAIN couple AS "
      "pair;"
      "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE t (k " +
      type + " PRIMARY KEY, a text); INSERT INTO t VALUES ('" + values[0] + "', 'x'), ('" + values[1] + "', 'y')");
  EXPECT_EQ(ends.compare().result, api::Comparison::equal);
  ends.target.exec(
      "CREATE TABLE child (k " + type +
      " REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE); INSERT INTO child SELECT k FROM t WHERE a = 'x'");
  ends.target.exec("UPDATE t SET a = 'z' WHERE a = 'x'; UPDATE t SET k = '" + values[2] + "' WHERE a = 'y'");
  const api::TableVerification found = ends.compare();
  EXPECT_EQ(found.differing, 1U);
  EXPECT_EQ(found.missing, 1U);
  EXPECT_EQ(found.extra, 1U);
  ends.mend();
  ends.expect_equal_texts();
}

INSTANTIATE_TEST_SUITE_P(OfAnyType, AKey,
                         testing::Values(std::pair{"hstore", std::vector<std::string>{"a=>1", "b=>2", "b=>3"}},
                                         std::pair{"citext", std::vector<std::string>{"a", "b", "B"}},
                                         std::pair{"ltree", std::vector<std::string>{"a.b", "c", "c.d"}},
                                         std::pair{"isbn", std::vector<std::string>{"1-4133-0454-0", "0-393-04002-X",
                                                                                    "0-306-40615-2"}},
                                         std::pair{"pair", std::vector<std::string>{"(1,a)", "(2,)", "(2,\"\")"}},
                                         std::pair{"couple", std::vector<std::string>{"(1,a)", "(2,)", "(2,\"\")"}},
                                         std::pair{"pair[]", std::vector<std::string>{"{}", "{\"(1,a)\"}", "{NULL}"}},
                                         std::pair{"mood", std::vector<std::string>{"ok", "sad", "bad"}},
                                         std::pair{"numeric", std::vector<std::string>{"0", "1.0", "1.00"}},
                                         std::pair{"numeric[]", std::vector<std::string>{"{}", "{1.0}", "{1.00}"}},
                                         std::pair{"jsonb", std::vector<std::string>{"1", "2.0", "2.00"}},
                                         std::pair{"float8", std::vector<std::string>{"1", "0", "-0"}},
                                         std::pair{"interval", std::vector<std::string>{"1 h", "1 day", "24 h"}},
                                         std::pair{"text COLLATE caseless", std::vector<std::string>{"a", "b", "B"}}));

TEST(Keys, are_not_cut_into_ranges_where_encodings_order_them_differently) {
  Ends ends("ENCODING 'WIN1251' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", "LC_COLLATE 'C' TEMPLATE template0");
  Session from(ends.source.uri());
  Session to(ends.target.uri());
  for (Session* each : {&from, &to}) {
    each->exec("SET client_encoding = UTF8");
    each->exec(
        "CREATE TABLE t (k text PRIMARY KEY);"
        "INSERT INTO t SELECT c || i FROM unnest('{ё,а,я,Ж,Ё}'::text[]) c, generate_series(1, 500) i; ANALYZE t");
  }
  EXPECT_EQ(ends.compare({8192, 8192}).result, api::Comparison::equal);
}

// ---------------------------------------------------------------------------------------------- repair

TEST(Repairs, write_a_row_anew_whose_identity_cannot_be_set) {
  Ends ends;
  ends.both("CREATE TABLE t (k text PRIMARY KEY, id int GENERATED ALWAYS AS IDENTITY, a text)");
  ends.source.exec("INSERT INTO t (k, a) VALUES ('x', 'a'), ('y', NULL)");
  ends.target.exec("INSERT INTO t (k, a) VALUES ('y', ''), ('x', 'a')");
  EXPECT_EQ(ends.compare().differing, 2U);
  ends.mend();
  ends.expect_equal_texts();
}

TEST(Repairs, mean_the_same_whatever_the_target_reads_by_default) {
  Ends ends;
  ends.both("CREATE TABLE t (k int PRIMARY KEY, x xml, a text[])");
  ends.source.exec("INSERT INTO t VALUES (1, 'plain', '{NULL}')");
  const std::string alter = "ALTER DATABASE " + ends.target.name();
  ends.target.exec(alter + " SET xmloption = 'document'; " + alter + " SET array_nulls = off");
  EXPECT_EQ(ends.compare().missing, 1U);
  ends.mend();
  ends.expect_equal_texts();
}

}  // namespace
}  // namespace tributary::postgres::verify
