#include "engine/postgres/verify/large_objects.h"

#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/verify.h"

namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using testbed::done;
using testbed::Following;
using testbed::server;
using testbed::StreamPair;
using Kind = api::RowDifference::Kind;

struct TwoDatabases {
  explicit TwoDatabases(int from = 12, int to = 18)
      : source(server(from).create_database("large_source")), target(server(to).create_database("large_target")) {
    both("CREATE TABLE t (id int PRIMARY KEY)");
  }
  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  api::Verification compare() const {
    pipeline::ProgressBoard board("");
    const Result<api::Verification> found = verify(spec, {}, board, nullptr, {Deadline::after(Seconds{120}), {}});
    EXPECT_TRUE(found) << (found ? "" : describe(found.error()));
    return found ? *found : api::Verification{};
  }
  api::TableVerification objects() const {
    for (const api::TableVerification& table : compare().tables)
      if (table.name == "pg_catalog.pg_largeobject") return table;
    ADD_FAILURE() << "no large objects are told of";
    return {};
  }

  testbed::Database source;
  testbed::Database target;
  api::Spec spec = [this] {
    api::Spec made;
    made.source.uri = source.uri();
    made.target.uri = target.uri();
    return made;
  }();
};

std::string shown(const api::TableVerification& table) {
  std::string text = table.reason;
  for (const api::RowDifference& row : table.rows)
    text += (row.kind == Kind::differs ? " differs " : row.kind == Kind::missing ? " missing " : " extra ") + row.key;
  return text;
}

TEST(LargeObjects, are_equal_where_clients_read_the_same) {
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{12, 18}, {13, 14}, {16, 17}}) {
    const TwoDatabases pair(from, to);
    pair.both(
        "SELECT lo_from_bytea(1000 + i, decode(repeat(md5(i::text), i * i * 30), 'hex')) FROM generate_series(0, 20) "
        "i");
    // Written at once on one end, and with holes on the other.
    pair.source.exec("SELECT lo_create(5000); SELECT lo_put(5000, 700000, 'end'), lo_put(5000, 5, 'begin')");
    pair.target.exec(
        "SELECT lo_from_bytea(5000, decode(repeat('00', 700003), 'hex'));"
        "SELECT lo_put(5000, 5, 'begin'), lo_put(5000, 700000, 'end')");
    const api::TableVerification found = pair.objects();
    EXPECT_EQ(found.result, Comparison::equal) << from << " to " << to << shown(found);
    EXPECT_EQ(found.source_rows, 22U);
    EXPECT_EQ(found.target_rows, 22U);
  }
}

TEST(LargeObjects, that_differ_are_named) {
  const TwoDatabases pair;
  pair.both("SELECT lo_from_bytea(1000 + i, convert_to(repeat('x', 300000), 'UTF8')) FROM generate_series(1, 5) i");
  pair.source.exec("SELECT lo_put(1001, 299999, 'y'), lo_create(900)");
  pair.target.exec("SELECT lo_put(1002, 300000, '\\000'), lo_unlink(1003), lo_create(77)");
  const api::TableVerification found = pair.objects();
  EXPECT_EQ(shown(found), " extra oid=77 missing oid=900 differs oid=1001 differs oid=1002 missing oid=1003");
  EXPECT_EQ(found.result, Comparison::different);
  EXPECT_EQ(found.differing, 2U);
  EXPECT_EQ(found.missing, 2U);
  EXPECT_EQ(found.extra, 1U);
  EXPECT_EQ(found.source_rows, 6U);
  EXPECT_EQ(found.target_rows, 5U);
  EXPECT_EQ(pair.compare().result, Comparison::different);
}

TEST(LargeObjects, more_than_one_statement_reads_are_all_compared) {
  const TwoDatabases pair(15, 18);
  pair.source.exec("SELECT lo_from_bytea(10000 + i, 'a') FROM generate_series(1, 2500) i");
  pair.target.exec(
      "SELECT lo_from_bytea(10000 + i, 'a') FROM generate_series(-1500, 2499) i; SELECT lo_put(12000, 0, 'b')");
  const api::TableVerification found = pair.objects();
  EXPECT_EQ(found.source_rows, 2500U);
  EXPECT_EQ(found.target_rows, 4000U);
  EXPECT_EQ(found.extra, 1501U);
  EXPECT_EQ(found.missing, 1U);
  EXPECT_EQ(found.differing, 1U);
  EXPECT_EQ(found.rows.size(), 100U);
  EXPECT_EQ(found.rows.front().key, "oid=8500");
}

TEST(LargeObjects, that_the_role_may_not_read_are_not_compared) {
  TwoDatabases pair(15, 18);
  pair.both("SELECT lo_from_bytea(1001, 'a')");
  const std::string role = pair.target.name() + "_reader";
  pair.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " +
                   role);
  pair.spec.target.uri = server(18).tcp_uri(pair.target.name(), role, "p");
  const api::TableVerification found = pair.objects();
  const api::Comparison result = pair.compare().result;
  pair.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
  EXPECT_EQ(found.result, Comparison::not_compared);
  EXPECT_NE(found.reason.find("the target: "), std::string::npos) << found.reason;
  EXPECT_NE(found.reason.find("1001"), std::string::npos) << found.reason;
  EXPECT_EQ(result, Comparison::not_compared);
}

TEST(LargeObjects, are_part_of_the_selection_as_they_are_of_a_copy) {
  TwoDatabases pair(15, 18);
  pair.both("CREATE TABLE u (id int PRIMARY KEY, picture oid)");
  pair.source.exec("SELECT lo_from_bytea(1001, 'a')");
  pair.target.exec("SELECT lo_from_bytea(77, 'of somebody else')");
  pair.spec.selection.include_tables = {pair.source.name() + ".t"};
  api::Verification found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  ASSERT_EQ(found.unread.size(), 1U);
  EXPECT_EQ(found.unread[0].kind, "large object");
  EXPECT_EQ(found.unread[0].count, 1U);
  pair.spec.selection.include_tables = {pair.source.name() + ".u"};
  EXPECT_EQ(shown(pair.objects()), " missing oid=1001") << "one that only the target has is another's";
  pair.spec.snapshot.large_objects = false;
  found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  ASSERT_EQ(found.unread.size(), 1U);
  EXPECT_EQ(found.unread[0].reason, "left out, as asked for");
}

TEST(LargeObjects, are_told_as_not_compared_beside_a_stream_which_does_not_carry_them) {
  StreamPair pair("large_streamed", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); SELECT lo_from_bytea(1001, 'a')");
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec("SELECT lo_put(1001, 0, 'b')");
  Following following(pair.spec(api::Mode::sync));
  pipeline::ProgressBoard board("");
  const Result<api::Verification> found =
      verify(pair.spec(api::Mode::sync), {}, board, nullptr, {Deadline::after(Seconds{120}), {}});
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->result, Comparison::equal);
  ASSERT_EQ(found->unread.size(), 1U);
  EXPECT_EQ(found->unread[0].count, 1U);
  EXPECT_NE(found->unread[0].reason.find("the stream does not carry"), std::string::npos);
}

TEST(MaterializedViews, are_told_as_not_compared_and_are_part_of_the_schema) {
  const TwoDatabases pair(15, 18);
  pair.both("CREATE MATERIALIZED VIEW m AS SELECT id FROM t; CREATE MATERIALIZED VIEW n AS SELECT id FROM t");
  api::Verification found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  ASSERT_EQ(found.unread.size(), 1U);
  EXPECT_EQ(found.unread[0].kind, "materialized view");
  EXPECT_EQ(found.unread[0].count, 2U);
  EXPECT_TRUE(found.structure.empty());
  pair.target.exec("REFRESH MATERIALIZED VIEW m WITH NO DATA");
  found = pair.compare();
  EXPECT_EQ(found.result, Comparison::equal);
  ASSERT_EQ(found.structure.size(), 1U);
  EXPECT_EQ(found.structure[0].object, "public.m");
}

}  // namespace
}  // namespace tributary::postgres::verify
