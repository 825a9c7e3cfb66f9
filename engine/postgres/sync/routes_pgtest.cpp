#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"

// Streams of partitioned tables whose rows the target puts into other partitions than the source.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using ::testing::HasSubstr;

// A table that is partitioned by the hash of an enum, which is one of its OIDs.
std::string by_mood(const std::string& key) {
  std::string sql =
      "CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k');"
      "CREATE TABLE p (i int, k mood, n int, PRIMARY KEY (" +
      key + ")) PARTITION BY HASH (k);";
  for (int part = 0; part < 5; ++part)
    sql += "CREATE TABLE p" + std::to_string(part) + " PARTITION OF p FOR VALUES WITH (MODULUS 5, REMAINDER " +
           std::to_string(part) + ");";
  return sql + "INSERT INTO p SELECT i, (enum_range(NULL::mood))[1 + i % 11], 0 FROM generate_series(1, 300) i";
}
constexpr const char* content = "SELECT count(*) || ' ' || md5(string_agg(p::text, '|' ORDER BY i, k)) FROM p";
constexpr const char* places =
    "SELECT string_agg(DISTINCT tableoid::regclass || ' ' || k, ',' ORDER BY tableoid::regclass || ' ' || k) FROM p";
constexpr const char* stopped =
    "SELECT string_agg(table_name || ': ' || reason, '; ' ORDER BY table_name) FROM _tributary.table_state"
    " WHERE stream = 'stopped'";

class RoutedRows : public ::testing::TestWithParam<std::pair<int, int>> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, RoutedRows,
                         ::testing::Values(std::pair{13, 15}, std::pair{15, 15}, std::pair{17, 18}, std::pair{18, 18}),
                         [](const auto& each) {
                           return std::to_string(each.param.first) + "_to_" + std::to_string(each.param.second);
                         });

TEST_P(RoutedRows, follow_the_source_wherever_the_target_has_put_them) {
  StreamPair pair("routed", GetParam().first, GetParam().second);
  pair.source.exec(by_mood("i, k"));
  pair.target.exec("CREATE TYPE t AS ENUM ('x', 'y', 'z'); DROP TYPE t");
  ASSERT_TRUE(done(pair.init()));
  ASSERT_NE(pair.target.scalar(places), pair.source.scalar(places)) << "else nothing is shown";
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec(
      "UPDATE p SET n = i; DELETE FROM p WHERE i % 7 = 0; INSERT INTO p SELECT i, 'k', 1 FROM generate_series(1, 50) i "
      "ON CONFLICT DO NOTHING; UPDATE p SET k = (enum_range(NULL::mood))[1 + (i + 3) % 11] WHERE i % 2 = 0 AND i > 100;"
      "UPDATE p SET i = i + 1000 WHERE i % 3 = 0");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar(content), pair.source.scalar(content));
  pair.source.exec("TRUNCATE p; INSERT INTO p VALUES (1, 'a', 1), (2, 'k', 2)");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar(content), pair.source.scalar(content));
  EXPECT_EQ(pair.target.scalar(stopped), "");
}

TEST_P(RoutedRows, of_one_partition_stop_where_it_is_emptied_by_itself) {
  StreamPair pair("routed_truncate", GetParam().first, GetParam().second);
  pair.source.exec(by_mood("i, k"));
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec("TRUNCATE p2");
  pair.wait_until_applied();
  EXPECT_THAT(pair.target.scalar(stopped), HasSubstr("p2: a truncate cannot be carried out: its rows lie in public.p"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM p"), "300");
}

TEST(RoutedRowsOfALeafsOwnKey, stop_at_a_change_that_may_be_about_another_partition) {
  StreamPair pair("routed_key", 15, 18);
  std::string sql = by_mood("i, k") + ";ALTER TABLE p DROP CONSTRAINT p_pkey;";
  for (int part = 0; part < 5; ++part) sql += "ALTER TABLE p" + std::to_string(part) + " ADD PRIMARY KEY (i);";
  pair.source.exec(sql);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec("UPDATE p SET n = 1 WHERE i = 1");
  pair.wait_until_applied();
  EXPECT_THAT(pair.target.scalar(stopped), HasSubstr("its key tells them apart in its own alone"));
}

}  // namespace
}  // namespace tributary::postgres::sync
