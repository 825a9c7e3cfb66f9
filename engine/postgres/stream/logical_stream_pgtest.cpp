#include "engine/postgres/stream/logical_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "engine/postgres/stream/testing/followed_database.h"

#if defined(__SANITIZE_ADDRESS__)
// It keeps what was freed, and takes more for each piece: a test of memory wants the former back.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=8:thread_local_quarantine_size_kb=64";
}
constexpr unsigned memory_factor = 2;
#else
constexpr unsigned memory_factor = 1;
#endif

namespace tributary::postgres::stream {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using Lines = std::vector<std::string>;

class ALogicalStream : public ::testing::TestWithParam<int> {
 protected:
  testbed::PostgresServer& server_ = testbed::server(GetParam());
  FollowedDatabase source_{server_};
};
INSTANTIATE_TEST_SUITE_P(Majors, ALogicalStream, ::testing::Values(13, 15, 17, 18));

TEST_P(ALogicalStream, delivers_each_operation_in_its_transaction) {
  source_.exec("CREATE TABLE \"Tab-le\" (id int PRIMARY KEY, t text)");
  const auto stream = source_.open();
  source_.exec("INSERT INTO \"Tab-le\" VALUES (1, 'a'), (2, NULL), (3, '')");
  source_.exec("BEGIN; UPDATE \"Tab-le\" SET t = 'b' WHERE id = 1; DELETE FROM \"Tab-le\" WHERE id = 2; COMMIT");
  source_.exec("UPDATE \"Tab-le\" SET id = 7 WHERE id = 1");
  EXPECT_THAT(happened(*stream, source_).lines,
              ElementsAre("begin", "insert Tab-le ('1', 'a')", "insert Tab-le ('2', null)", "insert Tab-le ('3', '')",
                          "commit", "begin", "update Tab-le ('1', 'b')", "delete Tab-le ('2', null)", "commit", "begin",
                          "update Tab-le ('1', null) -> ('7', 'b')", "commit"));
}

TEST_P(ALogicalStream, runs_on_the_session_that_owns_a_temporary_slot) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  LogicalStream::Options options = source_.options();
  options.slot = source_.slot() + "_temporary";
  const std::string count = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + options.slot + "'";
  {
    Connection session = source_.replication_session();
    Connection asking = Connection::open(parse_conninfo(source_.database().uri()).value(), {}, soon()).value();
    const auto slot = create_slot(session, asking, {options.slot, true}, soon());
    ASSERT_TRUE(slot) << slot.error().what;
    options.start = slot->position;
    source_.exec("INSERT INTO t VALUES (1)");
    auto stream = LogicalStream::open_on(std::move(session), options, soon());
    ASSERT_TRUE(stream) << stream.error().what;
    source_.exec("INSERT INTO t VALUES (2)");
    EXPECT_THAT(happened(**stream, source_).lines,
                ElementsAre("begin", "insert t ('1')", "commit", "begin", "insert t ('2')", "commit"));
    EXPECT_EQ(source_.scalar(count), "1");
  }
  testbed::wait_until("the slot goes with its stream", [&] { return source_.scalar(count) == "0"; });
}

TEST_P(ALogicalStream, spells_values_in_one_way_whatever_the_database_is_set_to) {
  const std::string alter = "ALTER DATABASE \"" + source_.database().name() + "\" SET ";
  source_.exec(alter + "DateStyle = 'SQL, DMY'");
  source_.exec(alter + "IntervalStyle = sql_standard");
  source_.exec(alter + "TimeZone = 'Asia/Tokyo'");
  source_.exec(alter + "extra_float_digits = -5");
  source_.exec(alter + "bytea_output = escape");
  source_.exec(alter + "client_encoding = 'LATIN1'");
  source_.exec(alter + "wal_sender_timeout = 0");
  source_.exec(
      "CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamptz, i interval, f float8, b bytea, j jsonb,"
      " n numeric, a text[], u uuid, r int4range, e text)");
  const auto stream = source_.open();
  source_.exec(
      "INSERT INTO t VALUES (1, '2024-02-29', '2024-03-01 00:00:00+00', '1 day 02:03:04', 0.1 + 0.2::float8,"
      " '\\x00ff', '{\"a\": [1, null]}', 1e-20, '{x,NULL,\"y z\"}', '00000000-0000-0000-0000-000000000001',"
      " '[1,5)', E'\\u00e9\\u20ac')");
  EXPECT_THAT(
      happened(*stream, source_).lines,
      ElementsAre("begin",
                  "insert t ('1', '2024-02-29', '2024-03-01 00:00:00+00', '1 day 02:03:04', "
                  "'0.30000000000000004', '\\x00ff', '{\"a\": [1, null]}', '0.00000000000000000001', "
                  "'{x,NULL,\"y z\"}', '00000000-0000-0000-0000-000000000001', '[1,5)', '\xc3\xa9\xe2\x82\xac')",
                  "commit"));
  EXPECT_EQ(source_.scalar("SELECT count(*) FROM pg_stat_replication WHERE application_name = 'tributary/stream'"
                           " AND pid = " +
                           source_.of_slot("active_pid")),
            "1");
}

TEST_P(ALogicalStream, tells_a_large_value_that_stayed_as_it_was_from_a_null) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY, n int, big text, small text)");
  source_.exec("ALTER TABLE t ALTER big SET STORAGE EXTERNAL");
  const auto stream = source_.open();
  source_.exec("INSERT INTO t VALUES (1, 1, repeat('x', 9000), NULL)");
  source_.exec("UPDATE t SET n = 2");
  source_.exec("UPDATE t SET big = NULL");
  const std::string big(9000, 'x');
  EXPECT_THAT(happened(*stream, source_).lines,
              ElementsAre("begin", "insert t ('1', '1', '" + big + "', null)", "commit", "begin",
                          "update t ('1', '2', unchanged, null)", "commit", "begin", "update t ('1', '2', null, null)",
                          "commit"));
}

TEST_P(ALogicalStream, gives_the_whole_old_row_where_that_is_the_identity) {
  source_.exec("CREATE TABLE t (a int, b text)");
  source_.exec("ALTER TABLE t REPLICA IDENTITY FULL");
  const auto stream = source_.open();
  source_.exec("INSERT INTO t VALUES (1, NULL), (1, NULL)");
  source_.exec("UPDATE t SET b = 'x'");
  source_.exec("DELETE FROM t");
  std::vector<bool> whole;
  Lines lines;
  take_until(*stream, source_.end_of_log(), [&](const model::Event& event) {
    using Kind = model::Event::Kind;
    if (event.kind == Kind::update || event.kind == Kind::remove) {
      whole.push_back(event.old_is_whole);
      lines.push_back(shown(event));
    }
  });
  EXPECT_THAT(whole, ElementsAre(true, true, true, true));
  EXPECT_THAT(lines, ElementsAre("update t ('1', null) -> ('1', 'x')", "update t ('1', null) -> ('1', 'x')",
                                 "delete t ('1', 'x')", "delete t ('1', 'x')"));
}

TEST_P(ALogicalStream, gives_a_truncation_of_several_tables_as_one_event) {
  source_.exec(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);"
      "CREATE TABLE c (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)");
  const auto stream = source_.open();
  source_.exec("TRUNCATE a, c RESTART IDENTITY CASCADE");
  source_.exec("TRUNCATE c");
  EXPECT_THAT(happened(*stream, source_).lines,
              ElementsAre("begin", "truncate a c b cascade restart", "commit", "begin", "truncate c", "commit"));
}

TEST_P(ALogicalStream, leaves_out_what_was_rolled_back) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto stream = source_.open();
  source_.exec("BEGIN; INSERT INTO t VALUES (1); ROLLBACK");
  source_.exec(
      "BEGIN; INSERT INTO t VALUES (2); SAVEPOINT s; INSERT INTO t VALUES (3); ROLLBACK TO s;"
      "SAVEPOINT r; INSERT INTO t VALUES (4); RELEASE r; COMMIT");
  EXPECT_THAT(happened(*stream, source_).lines, ElementsAre("begin", "insert t ('2')", "insert t ('4')", "commit"));
}

// Of memory that this process has.
std::size_t resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

TEST_P(ALogicalStream, brings_a_transaction_of_many_rows_in_little_memory) {
  constexpr int rows = 200'000;
  source_.exec("CREATE TABLE t (id int PRIMARY KEY, filler text)");
  LogicalStream::Options options = source_.options();
  options.queue_bytes = 4 * 1024 * 1024;
  options.spool_memory = 1024 * 1024;
  const auto stream = source_.open(options);
  source_.exec(
      "BEGIN; SAVEPOINT s; INSERT INTO t VALUES (0, ''); ROLLBACK TO s; INSERT INTO t SELECT i,"
      " repeat(chr(97 + i % 26), 500) FROM generate_series(1, " +
      std::to_string(rows) + ") i; COMMIT");
  const std::size_t before = resident();
  std::size_t most = before;
  int next = 1;
  int commits = 0;
  take_until(*stream, source_.end_of_log(), [&](const model::Event& event) {
    if (event.kind == model::Event::Kind::commit && next > 1) ++commits;
    if (event.kind != model::Event::Kind::insert) return;
    if (next % 1000 == 0) most = std::max(most, resident());
    ASSERT_EQ(event.new_row[0].bytes, std::to_string(next));
    ASSERT_EQ(event.new_row[1].bytes, std::string(500, static_cast<char>('a' + next % 26)));
    ++next;
  });
  EXPECT_EQ(next, rows + 1);
  EXPECT_EQ(commits, 1);
  EXPECT_LT(most - before, memory_factor * (48u << 20));
}

TEST_P(ALogicalStream, gives_transactions_that_overlap_in_the_order_of_their_commits) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY, filler text)");
  const auto stream = source_.open();
  testbed::Session slow(source_.database().uri());
  slow.exec("BEGIN; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 60000) i");
  source_.exec("INSERT INTO t VALUES (70001, '')");
  slow.exec("INSERT INTO t VALUES (60001, ''); COMMIT");
  source_.exec("INSERT INTO t VALUES (70002, '')");
  std::vector<int> seen;
  take_until(*stream, source_.end_of_log(), [&](const model::Event& event) {
    if (event.kind == model::Event::Kind::insert) seen.push_back(std::stoi(std::string(event.new_row[0].bytes)));
  });
  std::vector<int> expected{70001};
  for (int i = 1; i <= 60001; ++i) expected.push_back(i);
  expected.push_back(70002);
  EXPECT_EQ(seen, expected);
}

TEST_P(ALogicalStream, moves_on_while_nothing_happens_that_concerns_it) {
  auto other = server_.create_database("other");
  const auto stream = source_.open();
  other.exec("CREATE TABLE t AS SELECT generate_series(1, 1000)");
  const model::Lsn end = source_.end_of_log();
  int events = 0;
  take_until(*stream, end, [&](const model::Event&) { ++events; });
  EXPECT_GT(events, 0);
  EXPECT_GE(stream->reach().source_end, end);
  EXPECT_GE(stream->reach().received, end);
  EXPECT_GT(stream->reach().heard, WallTime{});
}

TEST_P(ALogicalStream, confirms_what_is_durable_and_never_more) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  LogicalStream::Options options = source_.options();
  options.pulse.sender_timeout = Milliseconds(1000);
  const auto stream = source_.open(options);
  for (int i = 1; i <= 3; ++i) source_.exec("INSERT INTO t VALUES (" + std::to_string(i) + ")");
  const std::vector<model::Lsn> ends = happened(*stream, source_).ends;
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_EQ(source_.of_sender("flush_lsn"), "");
  stream->confirm(ends[1]);
  stream->confirm(ends[0]);
  testbed::wait_until("the position is confirmed",
                      [&] { return source_.of_slot("confirmed_flush_lsn") == to_string(ends[1]); });
  const std::string told = source_.of_sender("reply_time");
  testbed::wait_until("two more beats", [&] {
    return source_.of_sender("reply_time > '" + told + "'::timestamptz + interval '600 ms'") == "t";
  });
  EXPECT_EQ(source_.of_slot("confirmed_flush_lsn"), to_string(ends[1]));
  EXPECT_EQ(source_.of_sender("flush_lsn"), to_string(ends[1]));
}

TEST_P(ALogicalStream, goes_on_behind_the_position_that_it_is_opened_at) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  std::vector<model::Lsn> ends;
  {
    const auto stream = source_.open();
    for (int i = 1; i <= 4; ++i) source_.exec("INSERT INTO t VALUES (" + std::to_string(i) + ")");
    ends = happened(*stream, source_).ends;
    stream->confirm(ends.at(0));
    testbed::wait_until("the position is confirmed",
                        [&] { return source_.of_slot("confirmed_flush_lsn") == to_string(ends[0]); });
  }
  testbed::wait_until("the session has ended", [&] { return source_.of_slot("active") == "f"; });
  LogicalStream::Options options = source_.options();
  options.start = ends.at(1);
  const auto stream = source_.open(options);
  EXPECT_THAT(happened(*stream, source_).lines,
              ElementsAre("begin", "insert t ('3')", "commit", "begin", "insert t ('4')", "commit"));
}

// Somebody else's log, in which the position is one like any other, must not learn that it was reached.
TEST_P(ALogicalStream, confirms_nothing_before_its_log_is_proven) {
  LogicalStream::Options options = source_.options();
  const model::Lsn confirmed = options.start;
  options.start = {confirmed.value + (std::uint64_t{1} << 30)};
  options.resumption.emplace(pipeline::StreamPosition{options.start, {}, {confirmed, confirmed}}, confirmed);
  const auto stream = source_.open(options);
  stream->confirm(options.start);
  const std::string now = source_.scalar("SELECT clock_timestamp()");
  testbed::wait_until("the source was told something since", [&] {
    source_.exec("SELECT txid_current()");
    return source_.of_sender("reply_time > '" + now + "'") == "t";
  });
  EXPECT_EQ(source_.of_sender("flush_lsn"), "");
  EXPECT_LT(model::parse_lsn(source_.of_slot("confirmed_flush_lsn")).value(), options.start);
}

}  // namespace
}  // namespace tributary::postgres::stream
