#include "engine/postgres/moment/moment.h"

#include <gtest/gtest.h>

#include <csignal>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/hold_ledger.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/process.h"
#include "engine/testing/session.h"

namespace tributary::postgres::moment {
namespace {

using api::ExitCode;
using api::Mode;
using testbed::done;
using testbed::Following;
using testbed::Session;
using testbed::StreamPair;
using testbed::wait_until;

const char* const bank =
    "CREATE TABLE left_ (id int PRIMARY KEY, n bigint); INSERT INTO left_ SELECT i, 1000 FROM generate_series(1, 50) i;"
    "CREATE TABLE right_ (id int PRIMARY KEY, n bigint); INSERT INTO right_ SELECT i, 0 FROM generate_series(1, 50) i;"
    "CREATE TABLE tally (id int PRIMARY KEY, n bigint); INSERT INTO tally SELECT i, 0 FROM generate_series(1, 4) i;"
    "CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text)";

using Tables = std::vector<std::string>;

// Everything that one snapshot shows of the bank; the sum of both sides first.
std::string content(const std::string& uri, const std::string& snapshot,
                    const Tables& tables = {"left_", "right_", "tally", "journal"}) {
  Session session(uri);
  session.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '" + snapshot + "'");
  std::string all = session.scalar("SELECT (SELECT sum(n) FROM left_) + (SELECT sum(n) FROM right_)");
  for (const std::string& table : tables)
    all += "\n" + table + session.scalar("SELECT string_agg(t::text, '' ORDER BY id) FROM " + table + " t");
  return all;
}

// Sessions that move money from one side to the other, write a line, and count it at last.
class Writers {
 public:
  Writers(const std::string& uri, int count, std::uint64_t seed) {
    for (int writer = 1; writer <= count; ++writer)
      threads_.emplace_back([this, uri, writer, seed](const std::stop_token& stop) {
        Session session(uri);
        std::mt19937_64 random(seed + static_cast<std::uint64_t>(writer));
        while (!stop.stop_requested()) {
          const std::string from = std::to_string(random() % 50 + 1), to = std::to_string(random() % 50 + 1);
          session.sqlstate("BEGIN; UPDATE left_ SET n = n - 1 WHERE id = " + from +
                           "; INSERT INTO journal (word) VALUES ('" + from +
                           "'); UPDATE right_ SET n = n + 1 WHERE id = " + to +
                           "; DELETE FROM journal WHERE id <= currval('journal_id_seq') - 300"
                           "; UPDATE tally SET n = n + 1 WHERE id = " +
                           std::to_string(writer) + "; COMMIT");
          session.sqlstate("ROLLBACK");
          ++written_;
        }
      });
  }
  int written() const { return written_; }

 private:
  std::atomic<int> written_ = 0;
  std::vector<std::jthread> threads_;
};

Until soon() {
  return {Deadline::after(Seconds{120}), {}};
}

MomentEnds ends_of(const StreamPair& pair, const std::string& key = "uid-1") {
  return {parse_conninfo(pair.source.uri()).value(), parse_conninfo(pair.target.uri()).value(), key};
}

// A loaded machine is no reason to give up.
MomentLimits patient() {
  return {Milliseconds{2'000}, 10, Seconds{60}};
}

void expect_nothing_left(const StreamPair& pair) {
  wait_until("no slot stays", [&] { return pair.slots() == "1"; });
  wait_until("no row stays", [&] { return pair.target.scalar("SELECT count(*) FROM _tributary.hold") == "0"; });
  for (const testbed::Database* each : {&pair.source, &pair.target})
    wait_until("no session stays", [&] {
      return each->scalar(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/moment'"
                 " AND datname = current_database()") == "0";
    });
}

struct Way {
  int from, to;
};
class AMoment : public ::testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, AMoment,
                         ::testing::Values(Way{13, 15}, Way{15, 18}, Way{17, 17}, Way{18, 18}), [](const auto& each) {
                           return std::to_string(each.param.from) + "_to_" + std::to_string(each.param.to);
                         });

TEST_P(AMoment, shows_both_ends_equal_to_the_last_byte_while_others_write) {
  StreamPair pair("exact", GetParam().from, GetParam().to);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  std::vector<std::int64_t> held;
  {
    Writers writers(pair.source.uri(), 4, std::random_device{}());
    model::Lsn last;
    for (int round = 0; round < 50; ++round) {
      auto taken = take_moment(ends_of(pair), patient(), soon());
      ASSERT_TRUE(taken) << describe(taken.error());
      Moment& moment = **taken;
      ASSERT_TRUE(moment.exact());
      ASSERT_TRUE(moment.position());
      EXPECT_GT(*moment.position(), last);
      last = *moment.position();
      held.push_back(moment.held().count());
      const std::string source = content(pair.source.uri(), moment.source_snapshot());
      ASSERT_EQ(source, content(pair.target.uri(), moment.target_snapshot())) << "round " << round;
      EXPECT_EQ(source.substr(0, source.find('\n')), "50000");
      EXPECT_TRUE(moment.source().query("SELECT 1", soon()));
      EXPECT_TRUE(moment.target().query("SELECT 1", soon()));
    }
    EXPECT_GT(writers.written(), 50);
  }
  std::sort(held.begin(), held.end());
  std::cout << "stood still: median " << held[25] << " ms, longest " << held.back() << " ms\n";
  EXPECT_GT(held.back(), 0);
  expect_nothing_left(pair);
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

TEST_P(AMoment, is_taken_where_nobody_writes) {
  StreamPair pair("idle", GetParam().from, GetParam().to);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  for (int round = 0; round < 5; ++round) {
    auto taken = take_moment(ends_of(pair), patient(), soon());
    ASSERT_TRUE(taken) << describe(taken.error());
    EXPECT_TRUE((*taken)->exact());
    EXPECT_EQ(content(pair.source.uri(), (*taken)->source_snapshot()),
              content(pair.target.uri(), (*taken)->target_snapshot()));
  }
  expect_nothing_left(pair);
}

// A table that is copied again has a position of its own until the stream takes it back.
TEST(AMomentOfAStream, is_that_of_all_tables_that_are_followed_while_others_are_copied_again) {
  StreamPair pair("recopied", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  {
    Writers writers(pair.source.uri(), 2, 1);
    int followed = 0;
    for (int copied = 0; copied < 4 || followed < 3;) {
      if (copied < 4 && testbed::state_of(pair, "journal") == "followed") {
        testbed::ask_for(pair, "journal");
        ++copied;
      }
      auto taken = take_moment(ends_of(pair), patient(), soon());
      ASSERT_TRUE(taken) << describe(taken.error());
      ASSERT_TRUE((*taken)->exact());
      const auto state =
          (*taken)->target().query("SELECT stream FROM _tributary.table_state WHERE table_name = 'journal'", soon());
      Tables tables{"left_", "right_", "tally"};
      if (state.value().str(0, 0) == "followed") {
        tables.push_back("journal");
        ++followed;
      }
      ASSERT_EQ(content(pair.source.uri(), (*taken)->source_snapshot(), tables),
                content(pair.target.uri(), (*taken)->target_snapshot(), tables));
    }
  }
  testbed::wait_until_back(pair, "journal");
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

// What the target has, the source's snapshot may lack, but not the other way round.
void expect_no_less_on_target(Moment& moment) {
  const char* const counted = "SELECT sum(n) FROM public.tally";
  EXPECT_LE(moment.source().query(counted, soon()).value().integer(0, 0),
            moment.target().query(counted, soon()).value().integer(0, 0));
  EXPECT_FALSE(moment.exact());
  EXPECT_FALSE(moment.position());
}

TEST_P(AMoment, is_loose_where_an_old_transaction_lets_no_slot_be_made) {
  for (const bool is_prepared : {false, true}) {
    StreamPair pair("old_writer", GetParam().from, GetParam().to);
    pair.source.exec(bank);
    ASSERT_TRUE(done(pair.init()));
    Following following(pair.spec(Mode::sync));
    pair.wait_until_applied();
    Session old(pair.source.uri());
    old.exec("BEGIN; INSERT INTO journal (word) VALUES ('old')");
    if (is_prepared) old.exec("PREPARE TRANSACTION 'old'");
    {
      Writers writers(pair.source.uri(), 2, 1);
      MomentLimits limits = patient();
      limits.standstill = Milliseconds{100};
      limits.tries = 3;
      auto taken = take_moment(ends_of(pair), limits, soon());
      ASSERT_TRUE(taken) << describe(taken.error());
      expect_no_less_on_target(**taken);
      EXPECT_GT((*taken)->held().count(), 0);
    }
    old.exec(is_prepared ? "COMMIT PREPARED 'old'" : "COMMIT");
    expect_nothing_left(pair);
    auto taken = take_moment(ends_of(pair), patient(), soon());
    ASSERT_TRUE(taken) << describe(taken.error());
    EXPECT_TRUE((*taken)->exact());
  }
}

TEST(ALooseMoment, is_taken_by_a_role_that_may_make_no_slot) {
  StreamPair pair("no_right", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  const std::string role = "reader_of_" + pair.source.name();
  pair.source.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " +
                   role);
  {
    Writers writers(pair.source.uri(), 2, 1);
    MomentEnds ends = ends_of(pair);
    ends.source = parse_conninfo(pair.from.tcp_uri(pair.source.name(), role, "secret")).value();
    auto taken = take_moment(ends, patient(), soon());
    ASSERT_TRUE(taken) << describe(taken.error());
    expect_no_less_on_target(**taken);
  }
  expect_nothing_left(pair);
  pair.source.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST(AMomentOfACopy, needs_no_engine_where_nothing_follows) {
  StreamPair pair("unfollowed", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(testbed::snapshot(pair.spec(Mode::snapshot))));
  for (const char* key : {"", "uid-1", "another"}) {
    auto taken = take_moment(ends_of(pair, key), patient(), soon());
    ASSERT_TRUE(taken) << describe(taken.error());
    EXPECT_TRUE((*taken)->exact());
    EXPECT_FALSE((*taken)->position());
    EXPECT_EQ((*taken)->held().count(), 0);
    EXPECT_EQ(content(pair.source.uri(), (*taken)->source_snapshot()),
              content(pair.target.uri(), (*taken)->target_snapshot()));
  }
}

TEST(AMomentOfAStream, is_refused_where_no_engine_follows) {
  StreamPair pair("abandoned", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  MomentLimits limits = patient();
  limits.answer = Seconds{1};
  const auto taken = take_moment(ends_of(pair), limits, soon());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().fault, Fault::transient);
  EXPECT_NE(taken.error().what.find("no engine follows"), std::string::npos) << taken.error().what;
  EXPECT_NE(taken.error().hint, "");
  expect_nothing_left(pair);
}

TEST(AMomentOfAStream, is_refused_where_the_engine_that_follows_is_older_than_the_ledger_that_is_asked_of_it) {
  StreamPair pair("older_ledger", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("DROP TABLE _tributary.hold; UPDATE _tributary.control SET version = 6");
  const auto taken = take_moment(ends_of(pair), patient(), soon());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().fault, Fault::invalid);
}

TEST(AMomentOfAStream, waits_for_an_engine_that_is_restarted) {
  StreamPair pair("restarted", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Writers writers(pair.source.uri(), 2, 1);
  for (int round = 0; round < 4; ++round) {
    auto following = std::make_unique<Following>(pair.spec(Mode::sync));
    auto asked = std::async(std::launch::async, [&] { return take_moment(ends_of(pair), patient(), soon()); });
    wait_until("somebody asks", [&] {
      return asked.wait_for(Seconds{0}) == std::future_status::ready ||
             pair.target.scalar("SELECT count(*) FROM _tributary.hold") == "1";
    });
    ASSERT_EQ(following->stop().exit_code, ExitCode::done);
    following = std::make_unique<Following>(pair.spec(Mode::sync));
    auto taken = asked.get();
    ASSERT_TRUE(taken) << describe(taken.error());
    ASSERT_TRUE((*taken)->exact());
    ASSERT_EQ(content(pair.source.uri(), (*taken)->source_snapshot()),
              content(pair.target.uri(), (*taken)->target_snapshot()));
    ASSERT_EQ(following->stop().exit_code, ExitCode::done);
  }
}

TEST(AMomentOfAStream, waits_for_a_transaction_that_takes_longer_to_apply_than_an_answer_may) {
  StreamPair pair("long_apply", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  Session blocker(pair.target.uri());
  blocker.exec("BEGIN; LOCK TABLE tally IN EXCLUSIVE MODE");
  pair.source.exec("UPDATE tally SET n = 7");
  const std::string longest =
      "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) > $ FROM pg_stat_activity"
      " WHERE datname = current_database() AND wait_event_type = 'Lock'";
  const auto waits = [&](const std::string& seconds) {
    std::string sql = longest;
    sql.replace(sql.find('$'), 1, seconds);
    return pair.target.scalar(sql) == "t";
  };
  wait_until("the engine waits for the lock", [&] { return waits("1"); });
  MomentLimits limits = patient();
  limits.answer = Seconds{2};
  auto asked = std::async(std::launch::async, [&] { return take_moment(ends_of(pair), limits, soon()); });
  wait_until("twice the time of an answer is over", [&] { return waits("6"); });
  blocker.exec("ROLLBACK");
  const auto taken = asked.get();
  ASSERT_TRUE(taken) << describe(taken.error());
  EXPECT_TRUE((*taken)->exact());
}

// The proof of a moment, whatever the engine or the asker's clock say.
TEST(AMomentOfAStream, is_not_believed_where_the_stream_has_gone_on) {
  StreamPair pair("gone_on", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Connection target = open_data_session(parse_conninfo(pair.target.uri()).value(), soon()).value();
  pair.target.exec("UPDATE _tributary.stream SET applied = '7/100'");
  ASSERT_TRUE(ask_for_hold(target, "uid-1", "me", Milliseconds{100}, soon()));
  const auto seen_at = [&](const std::string& row, const std::string& cut) {
    pair.target.exec("UPDATE _tributary.hold SET " + row);
    return export_at_cut(target, "uid-1", "me", *model::parse_lsn(cut), soon()).value().has_value();
  };
  ASSERT_TRUE(target.execute("BEGIN", soon()));
  EXPECT_TRUE(seen_at("state = 'reached', cut = '7/100', applied = '7/100'", "7/100"));
  EXPECT_FALSE(seen_at("state = 'reached', cut = '7/80', applied = '7/80'", "7/80")) << "more was applied since";
  EXPECT_FALSE(seen_at("state = 'reached', cut = '7/120', applied = '7/100'", "7/120")) << "something is missing";
  EXPECT_FALSE(seen_at("state = 'reached', cut = '7/100', applied = '7/100'", "7/90")) << "another cut";
  EXPECT_FALSE(seen_at("state = 'expired', cut = '7/100', applied = '7/100'", "7/100"));
}

// Not a test by itself: what the next one kills.
TEST(Killed, DISABLED_takes_moments_until_it_is_killed) {
  const MomentEnds ends{parse_conninfo(std::getenv("MOMENT_SOURCE")).value(),
                        parse_conninfo(std::getenv("MOMENT_TARGET")).value(), "uid-1"};
  while (take_moment(ends, patient(), {})) continue;
}

TEST(AnAskerThatIsKilled, leaves_nothing_and_the_stream_goes_on) {
  StreamPair pair("killed", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  pair.wait_until_applied();
  setenv("MOMENT_SOURCE", pair.source.uri().c_str(), 1);
  setenv("MOMENT_TARGET", pair.target.uri().c_str(), 1);
  {
    Writers writers(pair.source.uri(), 1, 1);
    Session ledger(pair.target.uri());
    for (const char* state : {"asked", "standing", "cut", "reached", "released", "done"}) {
      testbed::Process asker({testbed::built_program("engine_postgres_moment_pgtest"), "--gtest_filter=Killed.*",
                              "--gtest_also_run_disabled_tests"});
      const Deadline enough = Deadline::after(Seconds{60});
      const std::string seen = std::string("SELECT count(*) FROM _tributary.hold WHERE state = '") + state + "'";
      while (ledger.scalar(seen) == "0") ASSERT_FALSE(enough.passed()) << "never " << state;
      asker.send(SIGKILL);
      asker.wait();
      pair.wait_until_applied();
      expect_nothing_left(pair);
    }
  }
  auto taken = take_moment(ends_of(pair), patient(), soon());
  ASSERT_TRUE(taken) << describe(taken.error());
  EXPECT_EQ(content(pair.source.uri(), (*taken)->source_snapshot()),
            content(pair.target.uri(), (*taken)->target_snapshot()));
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(TwoMoments, are_taken_one_after_the_other) {
  StreamPair pair("two_askers", 15, 18);
  pair.source.exec(bank);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  {
    Writers writers(pair.source.uri(), 2, 1);
    std::vector<std::future<void>> askers;
    for (int asker = 0; asker < 3; ++asker)
      askers.push_back(std::async(std::launch::async, [&] {
        for (int round = 0; round < 5; ++round) {
          auto taken = take_moment(ends_of(pair), patient(), soon());
          ASSERT_TRUE(taken) << describe(taken.error());
          EXPECT_TRUE((*taken)->exact());
          EXPECT_EQ(content(pair.source.uri(), (*taken)->source_snapshot()),
                    content(pair.target.uri(), (*taken)->target_snapshot()));
        }
      }));
    for (auto& each : askers) each.get();
  }
  expect_nothing_left(pair);
}

}  // namespace
}  // namespace tributary::postgres::moment
