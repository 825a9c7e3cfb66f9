#include <gtest/gtest.h>

#include <atomic>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/comparison.h"

// What happens to tables, and to the sessions of a comparison, while both ends are compared.
namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using testbed::done;
using testbed::Following;
using testbed::server;
using testbed::StreamPair;
using testbed::wait_until;

// `event` happens once, when the first moment is taken and before anything is read at it.
api::Verification compare(const testbed::Database& source, const testbed::Database& target,
                          const std::function<void()>& event, const std::string& run = "",
                          const std::string& key = "") {
  pipeline::ProgressBoard board("");
  std::atomic<bool> is_due{true};
  ComparisonOptions options;
  options.ends = {[&] { return parse_conninfo(source.uri()); },
                  [&] {
                    if (board.snapshot().message == "comparing" && is_due.exchange(false)) event();
                    return parse_conninfo(target.uri());
                  }};
  options.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
  options.run = run;
  options.key = key;
  api::Verification found;
  const Result<void> compared = compare_database(options, board, found, {Deadline::after(Seconds{120}), {}});
  EXPECT_TRUE(compared) << describe(compared.error());
  EXPECT_FALSE(is_due) << "nothing has happened";
  return found;
}

struct Meanwhile : ::testing::Test {
  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  testbed::Database source = server(15).create_database("meanwhile_source");
  testbed::Database target = server(18).create_database("meanwhile_target");
};

TEST_F(Meanwhile, a_table_that_was_truncated_is_read_again_in_a_later_moment) {
  both("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
  api::Verification found = compare(source, target, [&] { target.exec("TRUNCATE t"); });
  EXPECT_EQ(found.moments, 2U);
  ASSERT_EQ(found.tables.size(), 1U);
  EXPECT_EQ(found.tables[0].missing, 1000U) << found.tables[0].reason;
  found = compare(source, target, [&] { source.exec("TRUNCATE t"); });
  EXPECT_EQ(found.moments, 2U) << "an empty table is not what the moment has";
  EXPECT_EQ(found.tables[0].result, Comparison::equal) << found.tables[0].reason;
  EXPECT_EQ(found.rows, 0U);
}

TEST_F(Meanwhile, a_table_that_was_rewritten_is_read_again_or_told_as_not_compared) {
  both("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i");
  api::Verification found = compare(source, target, [&] { source.exec("VACUUM FULL t"); });
  EXPECT_EQ(found.moments, 2U);
  EXPECT_EQ(found.tables.at(0).result, Comparison::equal) << found.tables[0].reason;
  found = compare(source, target, [&] { both("ALTER TABLE t ALTER a TYPE bigint"); });
  EXPECT_EQ(found.tables.at(0).result, Comparison::not_compared);
  EXPECT_EQ(found.tables[0].reason, "it was defined anew on one end while both were compared");
  EXPECT_EQ(found.rows, 0U) << "rows of which nothing is claimed were not compared";
}

TEST_F(Meanwhile, a_partition_that_was_attached_is_compared_with_the_table_from_the_next_moment_on) {
  both(
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); INSERT INTO p VALUES (1);"
      "CREATE TABLE p2 (id int PRIMARY KEY)");
  source.exec("INSERT INTO p2 VALUES (100), (101)");
  target.exec("INSERT INTO p2 VALUES (100), (101)");
  const api::Verification found =
      compare(source, target, [&] { both("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (200)"); });
  for (const api::TableVerification& table : found.tables)
    EXPECT_NE(table.result, Comparison::different) << table.name << " " << table.reason;
}

TEST_F(Meanwhile, a_partition_of_one_end_alone_is_a_difference) {
  both(
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); INSERT INTO p VALUES (1)");
  source.exec("CREATE TABLE p2 (id int PRIMARY KEY); INSERT INTO p2 VALUES (100)");
  target.exec("CREATE TABLE p2 (id int PRIMARY KEY); INSERT INTO p2 VALUES (100)");
  compare(source, target, [&] { source.exec("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (200)"); });
  const api::Verification found = compare(source, target, [] {});
  EXPECT_EQ(found.tables_different, 1U);
}

TEST(MeanwhileBesideASync, a_partition_that_the_stream_has_not_taken_up_is_not_compared) {
  StreamPair pair("meanwhile_leaf", 15, 18);
  pair.source.exec(
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); INSERT INTO p VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  const std::string key = pair.target.scalar("SELECT replication FROM _tributary.stream");
  pair.target.exec("DELETE FROM _tributary.table_state WHERE table_name = 'p1'");
  const api::Verification found = compare(
      pair.source, pair.target, [] {}, "", key);
  bool is_told = false;
  for (const api::TableVerification& table : found.tables) {
    if (table.name != "public.p") continue;
    is_told = true;
    EXPECT_EQ(table.result, Comparison::not_compared);
    EXPECT_EQ(table.reason, "the stream has not taken it up yet");
  }
  EXPECT_TRUE(is_told);
}

TEST(MeanwhileOfKeptResults, a_session_that_is_lost_costs_what_is_kept_and_nothing_else) {
  StreamPair pair("meanwhile_kept", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("DELETE FROM _tributary.stream");  // nothing follows
  const std::string keeper = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7526756";
  const auto lose = [&] {
    pair.target.exec("SELECT pg_terminate_backend(pid) FROM (" + keeper + ") AS k");
    wait_until("the session is gone",
               [&] { return pair.target.scalar("SELECT count(*) FROM (" + keeper + ") AS k") == "0"; });
  };
  const api::Verification found = compare(pair.source, pair.target, lose, "run");
  EXPECT_EQ(found.tables_different + found.tables_not_compared, 0U);
  EXPECT_EQ(found.moments, 1U);
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.compared_range"), "0");
  const api::Verification again = compare(
      pair.source, pair.target, [] {}, "run");
  EXPECT_EQ(again.tables_different + again.tables_not_compared, 0U);
  EXPECT_EQ(again.kept_since, "");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.compared_range"), "0");
}

}  // namespace
}  // namespace tributary::postgres::verify
