#include <gtest/gtest.h>

#include <future>

#include "engine/pipeline/sync.h"
#include "engine/postgres/ledger/recopy_ledger.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"

// Who asks for tables to be copied again, and what he is told.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::ask_for;
using testbed::done;
using testbed::Following;
using testbed::state_of;
using testbed::StreamPair;
using testbed::wait_until_back;

api::Report ask_by_hand(const StreamPair& pair, const std::string& entry, Seconds patience = Seconds{0}) {
  const api::Spec spec = pair.spec(api::Mode::sync);
  const auto servers = make_sync_servers(spec);
  pipeline::ProgressBoard board("");
  return pipeline::run_recopy(spec, {entry}, *servers, board, {}, patience);
}

TEST(ARequestedRecopy, is_asked_for_by_hand_and_waited_for) {
  StreamPair pair("by_hand", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  const std::string table = pair.source.name() + ".public.t";
  const api::Report unknown = ask_by_hand(pair, pair.source.name() + ".public.nowhere");
  EXPECT_EQ(unknown.exit_code, ExitCode::bad_configuration) << unknown.message;
  const api::Report left = ask_by_hand(pair, table);
  EXPECT_EQ(left.exit_code, ExitCode::done) << left.message;
  EXPECT_EQ(left.message, "no engine follows now; the next sync copies 1 table again");
  EXPECT_EQ(state_of(pair, "t"), "recopy");
  Following following(pair.spec(api::Mode::sync));
  wait_until_back(pair, "t");
  pair.target.exec("DELETE FROM t");
  const api::Report waited = ask_by_hand(pair, table, Seconds{15});
  EXPECT_EQ(waited.exit_code, ExitCode::done) << waited.message;
  EXPECT_EQ(waited.message, "1 table copied again");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ARequestedRecopy, takes_the_partitions_of_a_table_that_is_named) {
  StreamPair pair("named", 15, 18);
  pair.source.exec(
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);"
      "CREATE TABLE low PARTITION OF p2 FOR VALUES FROM (100) TO (150); INSERT INTO p VALUES (1), (101)");
  ASSERT_TRUE(done(pair.init()));
  const api::Report report = ask_by_hand(pair, pair.source.name() + ".public.p");
  EXPECT_EQ(report.message, "no engine follows now; the next sync copies 2 tables again");
  EXPECT_EQ(state_of(pair, "p1"), "recopy");
  EXPECT_EQ(state_of(pair, "low"), "recopy");
}

TEST(ARequestedRecopy, says_that_a_stream_whose_slot_is_gone_copies_nothing_again) {
  StreamPair pair("lost", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  pair.from.exec("postgres", "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
                                 pair.source.name() + "'");
  const api::Report report = ask_by_hand(pair, pair.source.name() + ".public.t");
  EXPECT_EQ(report.exit_code, ExitCode::lost_position) << report.message;
  EXPECT_NE(report.hint, "");
}

// Of others; they go with it.
class UsedSlots {
 public:
  explicit UsedSlots(testbed::PostgresServer& server) : server_(server) {
    server_.exec(
        "postgres",
        "SELECT pg_create_physical_replication_slot('used_' || i) FROM generate_series(1,"
        " current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_replication_slots)) i");
  }
  UsedSlots(const UsedSlots&) = delete;
  UsedSlots& operator=(const UsedSlots&) = delete;
  ~UsedSlots() {
    server_.exec("postgres",
                 "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'used%'");
  }

 private:
  testbed::PostgresServer& server_;
};

TEST(ARequestedRecopy, says_that_it_waits_for_a_free_replication_slot) {
  StreamPair pair("slots", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.wait_until_applied();
  const std::string reason = "all 20 replication slots of the source are in use (hint: drop one that nobody needs";
  std::future<api::Report> report;  // ends when the slots are free again, whatever comes
  {
    const UsedSlots used(pair.from);
    pair.target.exec("DELETE FROM t");
    report = std::async(std::launch::async,
                        [&] { return ask_by_hand(pair, pair.source.name() + ".public.t", Seconds{60}); });
    testbed::wait_until("the engine says so", [&] {
      const api::StreamProgress stream = following.stream(pair.source.name());
      return stream.recopy && stream.recopy->error.starts_with(reason);
    });
    EXPECT_EQ(following.stream(pair.source.name()).error, "") << "the others are followed";
    const auto servers = make_sync_servers(pair.spec(api::Mode::sync));
    const auto databases = servers->databases({});
    ASSERT_TRUE(databases);
    const Result<api::StreamStatus> status = servers->status(databases->front(), {});
    ASSERT_TRUE(status) << status.error().what;
    ASSERT_EQ(status->tables.size(), 1u);
    EXPECT_NE(status->tables[0].reason.find("asked for by hand; it waits: " + reason), std::string::npos)
        << status->tables[0].reason;
    pair.from.exec("postgres", "SELECT pg_drop_replication_slot('used_1')");
    EXPECT_EQ(report.get().message, "1 table copied again");
  }
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

// What the source keeps for the copy is more than it keeps for the stream, which goes on.
TEST(ARequestedRecopy, tells_what_the_source_keeps_for_it) {
  StreamPair pair("kept", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE other (word text)");
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec(
      "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN true; END';"
      "ALTER TABLE t ADD CHECK (slow()) NOT VALID");
  Following following(pair.spec(api::Mode::sync));
  ask_for(pair, "t");
  const std::string of_slot = " FROM pg_replication_slots WHERE database = '" + pair.source.name() + "' AND temporary";
  testbed::wait_until("the recopy has its slot",
                      [&] { return pair.from.scalar("postgres", "SELECT count(*)" + of_slot) == "1"; });
  const std::string write = "INSERT INTO other SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i";
  pair.source.exec(write);
  pair.wait_until_applied();
  const std::string retained = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint";
  const auto before = std::stoull(pair.from.scalar("postgres", retained + of_slot));
  testbed::wait_until("the source keeps less for the stream", [&] {
    pair.source.exec("CHECKPOINT");
    return pair.source.scalar("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) < " +
                              std::to_string(before / 2) +
                              " FROM pg_replication_slots WHERE database ="
                              " current_database() AND NOT temporary") == "t";
  });
  pair.source.exec(write);
  testbed::wait_until("all is told of",
                      [&] { return following.stream(pair.source.name()).retained_bytes > before + before / 2; });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ARequestedRecopy, is_looked_for_without_reading_tables_that_are_followed) {
  StreamPair pair("many", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec(
      "INSERT INTO _tributary.table_state SELECT (jsonb_populate_record(t, jsonb_build_object('table_name', i))).*"
      " FROM _tributary.table_state t, generate_series(1, 20000) i; ANALYZE _tributary.table_state");
  ask_for(pair, "7");
  Connection session = Connection::open(parse_conninfo(pair.target.uri()).value(), {}, {}).value();
  const std::string key = pair.target.scalar("SELECT key FROM _tributary.replication");
  ASSERT_TRUE(session.execute("BEGIN", {}));
  EXPECT_EQ(read_recopied_tables(session, {key, 0, 0}, {}).value().size(), 1u);
  const Rows read = session
                        .query_row(
                            "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables"
                            " WHERE relid = '_tributary.table_state'::regclass",
                            {}, {})
                        .value();
  EXPECT_EQ(read.integer(0, 0), 0);
  EXPECT_LE(read.integer(0, 1), 10);
}

TEST(ARequestedRecopy, is_done_once_for_each_request) {
  StreamPair pair("requested", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.recopy = {"again-1", {pair.source.name() + ".public.t", pair.source.name() + ".public.nowhere"}};
  const std::string position = "SELECT position FROM _tributary.table_state WHERE table_name = 't'";
  const std::string first = pair.target.scalar(position);
  std::string second;
  {
    Following following(spec);
    testbed::wait_until("it is copied", [&] { return pair.target.scalar(position) != first; });
    wait_until_back(pair, "t");
    second = pair.target.scalar(position);
    const auto request = [&] { return following.board().snapshot().request.value_or(api::RecopyRequest{}); };
    testbed::wait_until("the request is done", [&] { return request().copied == 1; });
    EXPECT_EQ(request().request_id, "again-1");
    EXPECT_EQ(request().tables, 1u);
    EXPECT_EQ(request().failures,
              std::vector{"'" + pair.source.name() + ".public.nowhere' is no table of this replication"});
    EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  }
  EXPECT_EQ(pair.target.scalar("SELECT recopy_request FROM _tributary.replication"), "again-1");
  Following following(spec);
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_EQ(pair.target.scalar(position), second);
}

TEST(ARequestedRecopy, is_not_done_after_a_copy_of_everything_that_knew_of_the_request) {
  StreamPair pair("served", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  api::Spec spec = pair.spec(api::Mode::snapshot_and_sync);
  spec.recopy = {"first", {pair.source.name() + ".public.t"}};
  ASSERT_TRUE(done(testbed::snapshot(spec)));
  const std::string position = "SELECT position FROM _tributary.table_state WHERE table_name = 't'";
  const std::string copied = pair.target.scalar(position);
  spec.mode = api::Mode::sync;
  Following following(spec);
  pair.wait_until_applied();
  testbed::wait_until("the request is done", [&] {
    const std::optional<api::RecopyRequest> request = following.board().snapshot().request;
    return request && request->copied == 1;
  });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_EQ(pair.target.scalar(position), copied);
}

}  // namespace
}  // namespace tributary::postgres::sync
