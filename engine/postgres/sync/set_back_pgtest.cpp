#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// A source whose files are put back as they were, by a snapshot of its machine, and one that has only crashed.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::same_content;
using testbed::StreamPair;
using ::testing::HasSubstr;

class ASourceThat : public ::testing::TestWithParam<int> {
 protected:
  StreamPair pair_{"source", GetParam(), 18, testbed::Flavour::replica};

  std::string applied() const { return pair_.target.scalar("SELECT applied FROM _tributary.stream"); }
  // Whether the source knows that the target has all of this.
  bool is_confirmed(const std::string& position) const {
    return pair_.from.scalar("postgres", "SELECT confirmed_flush_lsn >= '" + position +
                                             "' FROM pg_replication_slots WHERE database = '" + pair_.source.name() +
                                             "'") == "t";
  }
  // Ends with a target that has more than the copy of the source's files.
  void follow_on_from_a_copy();
  // The log goes on, by whole files, until it has passed the position.
  void write_past(const std::string& position) const;
};
INSTANTIATE_TEST_SUITE_P(Majors, ASourceThat, ::testing::Values(13, 15, 18));

void ASourceThat::follow_on_from_a_copy() {
  pair_.source.exec("CREATE TABLE t (id int PRIMARY KEY, word text)");
  ASSERT_TRUE(done(pair_.init()));
  {
    Following following(pair_.spec(api::Mode::sync));
    pair_.source.exec("INSERT INTO t SELECT i, 'in the copy' FROM generate_series(1, 10) i");
    pair_.wait_until_applied();
    ASSERT_EQ(following.stop().exit_code, ExitCode::done);
  }
  pair_.from.stop();
  pair_.from.back_up();
  pair_.from.start();
  Following following(pair_.spec(api::Mode::sync));
  pair_.source.exec("ALTER TABLE t ADD COLUMN late int");
  pair_.source.exec("INSERT INTO t SELECT i, 'behind the copy', i FROM generate_series(11, 20) i");
  pair_.wait_until_applied();
  ASSERT_EQ(following.stop().exit_code, ExitCode::done);
}

void ASourceThat::write_past(const std::string& position) const {
  testbed::wait_until("the log of the source has passed " + position, [&] {
    pair_.source.exec("INSERT INTO mark DEFAULT VALUES; SELECT pg_switch_wal()");
    return pair_.source.scalar("SELECT pg_current_wal_flush_lsn() > '" + position + "'") == "t";
  });
}

TEST_P(ASourceThat, was_set_back_and_has_written_other_things_since_is_not_followed) {
  follow_on_from_a_copy();
  const std::string position = applied();
  pair_.from.stop();
  pair_.from.set_back();
  pair_.from.start();
  pair_.source.exec("INSERT INTO t SELECT i, 'another one' FROM generate_series(31, 40) i");
  write_past(position);
  pair_.source.exec("INSERT INTO t VALUES (50, 'last')");
  for (int life = 0; life < 2; ++life) {
    Following following(pair_.spec(api::Mode::sync));
    EXPECT_TRUE(failed(following.wait(), ExitCode::lost_position, "the source's log is not the one"));
    EXPECT_EQ(applied(), position);
    EXPECT_FALSE(is_confirmed(position)) << "the next life would believe it";
    EXPECT_EQ(pair_.target.scalar("SELECT string_agg(DISTINCT word, ', ' ORDER BY word) FROM t"),
              "behind the copy, in the copy");
    EXPECT_EQ(pair_.target.scalar("SELECT count(late) FROM t"), "10") << "nor is its table made like the other one";
  }
}

TEST_P(ASourceThat, was_set_back_is_not_followed_when_it_is_held_either) {
  follow_on_from_a_copy();
  const std::string position = applied();
  pair_.from.stop();
  pair_.from.set_back();
  pair_.from.start();
  write_past(position);
  const auto servers = make_sync_servers(pair_.spec(api::Mode::sync));
  pipeline::ProgressBoard board("");
  EXPECT_TRUE(failed(pipeline::run_sync(pair_.spec(api::Mode::sync), *servers, pipeline::Manner::hold, board, {}),
                     ExitCode::lost_position, "the source's log is not the one"));
  EXPECT_EQ(pair_.target.scalar("SELECT count(late) FROM t"), "10");
}

TEST_P(ASourceThat, was_set_back_to_where_the_target_is_goes_on) {
  follow_on_from_a_copy();
  pair_.from.stop();
  pair_.from.back_up();
  pair_.from.start();
  pair_.source.exec("INSERT INTO t VALUES (31, 'gone for ever')");
  pair_.from.stop();
  pair_.from.set_back();
  pair_.from.start();
  pair_.source.exec("INSERT INTO t VALUES (32, 'here to stay')");
  Following following(pair_.spec(api::Mode::sync));
  pair_.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair_.source.uri(), pair_.target.uri()));
}

// A slot's word is on disk at a checkpoint only: what was confirmed since, nobody knows any more.
TEST_P(ASourceThat, has_only_forgotten_what_was_confirmed_goes_on) {
  follow_on_from_a_copy();
  const std::string position = applied();
  pair_.from.kill();
  pair_.from.start();
  ASSERT_FALSE(is_confirmed(position));
  pair_.source.exec("UPDATE t SET word = 'again' WHERE id % 2 = 0");
  Following following(pair_.spec(api::Mode::sync));
  pair_.wait_until_applied();
  testbed::wait_until("the source knows it again", [&] { return is_confirmed(position); });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair_.source.uri(), pair_.target.uri()));
}

TEST_P(ASourceThat, has_forgotten_and_written_nothing_since_is_proven_by_its_silence) {
  follow_on_from_a_copy();
  const std::string position = applied();
  pair_.from.kill();
  pair_.from.start();
  ASSERT_FALSE(is_confirmed(position));
  Following following(pair_.spec(api::Mode::sync));
  testbed::wait_until("the source knows it again", [&] { return is_confirmed(position); });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair_.source.uri(), pair_.target.uri()));
}

// It is sent as a whole once more, and maybe while it is in progress before that.
TEST_P(ASourceThat, shows_a_large_transaction_again_goes_on) {
  pair_.source.exec("CREATE TABLE t (id int PRIMARY KEY, word text)");
  ASSERT_TRUE(done(pair_.init()));
  pair_.source.exec("ALTER DATABASE \"" + pair_.source.name() + "\" SET logical_decoding_work_mem = '64kB'");
  {
    Following following(pair_.spec(api::Mode::sync));
    pair_.wait_until_applied();
    pair_.source.exec("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i");
    testbed::wait_until("it is on the target", [&] { return pair_.target.scalar("SELECT count(*) FROM t") == "5000"; });
    ASSERT_EQ(following.stop().exit_code, ExitCode::done);
  }
  const std::string position = applied();
  pair_.from.kill();
  pair_.from.start();
  ASSERT_FALSE(is_confirmed(position));
  Following following(pair_.spec(api::Mode::sync));
  pair_.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair_.source.uri(), pair_.target.uri()));
}

}  // namespace
}  // namespace tributary::postgres::sync
