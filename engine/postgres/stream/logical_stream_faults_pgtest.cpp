#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "engine/postgres/stream/logical_stream.h"
#include "engine/postgres/stream/testing/followed_database.h"

namespace tributary::postgres::stream {
namespace {

using ::testing::HasSubstr;

class AStreamInTrouble : public ::testing::TestWithParam<int> {
 protected:
  FollowedDatabase source_{testbed::server(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Majors, AStreamInTrouble, ::testing::Values(13, 15, 17, 18));

LogicalStream::Options hurried(const FollowedDatabase& source) {
  LogicalStream::Options options = source.options();
  options.pulse.sender_timeout = Milliseconds(1000);
  return options;
}

TEST_P(AStreamInTrouble, keeps_its_server_content_while_nobody_takes_what_it_brings) {
  constexpr int rows = 100'000;
  source_.exec("CREATE TABLE t (id int PRIMARY KEY, filler text)");
  LogicalStream::Options options = hurried(source_);
  options.queue_bytes = options.batch_bytes = 64 * 1024;
  const auto stream = source_.open(options);
  const std::string began = source_.scalar("SELECT clock_timestamp()");
  for (int i = 0; i < 10; ++i)
    source_.exec("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(" + std::to_string(i * rows / 10 + 1) +
                 ", " + std::to_string((i + 1) * rows / 10) + ") i");
  const std::string sender = source_.of_slot("active_pid");
  testbed::wait_until("the server has heard of it for three times its patience", [&] {
    return source_.of_sender("reply_time > '" + began + "'::timestamptz + interval '3 s'") == "t";
  });
  EXPECT_EQ(source_.of_slot("active_pid"), sender);
  int seen = 0;
  take_until(*stream, source_.end_of_log(), [&](const model::Event& event) {
    if (event.kind == model::Event::Kind::insert) ++seen;
  });
  EXPECT_EQ(seen, rows);
}

TEST_P(AStreamInTrouble, counts_a_server_that_says_nothing_as_hung_and_ends_without_it) {
  LogicalStream::Options options = hurried(source_);
  options.pulse.silence = Milliseconds(1500);
  auto stream = source_.open(options);
  const pid_t sender = std::stoi(source_.of_slot("active_pid"));
  ASSERT_EQ(::kill(sender, SIGSTOP), 0);
  const Error error = end_of(*stream);
  auto further = source_.try_open(source_.options());
  stream.reset();
  ASSERT_EQ(::kill(sender, SIGCONT), 0);
  EXPECT_EQ(error.fault, Fault::transient);
  EXPECT_THAT(error.what, HasSubstr("said nothing"));
  ASSERT_FALSE(further);
  EXPECT_EQ(further.error().fault, Fault::transient);
  EXPECT_THAT(further.error().what, HasSubstr("is active"));
}

TEST_P(AStreamInTrouble, ends_while_its_server_hangs_and_its_queue_is_full) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY, filler text)");
  LogicalStream::Options options = source_.options();
  options.queue_bytes = 1;
  auto stream = source_.open(options);
  source_.exec("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 50000) i");
  const pid_t sender = std::stoi(source_.of_slot("active_pid"));
  ASSERT_EQ(::kill(sender, SIGSTOP), 0);
  stream.reset();
  ASSERT_EQ(::kill(sender, SIGCONT), 0);
}

TEST_P(AStreamInTrouble, a_stop_ends_the_wait_for_changes) {
  const auto stream = source_.open();
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const Until until{Deadline::after(Seconds(60)), stop.get_token()};
  Result<std::shared_ptr<const model::Batch>> last = stream->next(Seconds(60), until);
  while (last) last = stream->next(Seconds(60), until);
  EXPECT_EQ(last.error().fault, Fault::cancelled);
}

// An older server fails, PostgreSQL 18 warns and leaves the changes out.
TEST_P(AStreamInTrouble, a_publication_that_was_dropped_ends_it) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto stream = source_.open();
  source_.exec("INSERT INTO t VALUES (1)");
  source_.exec("DROP PUBLICATION \"Pub, of 'x'\"");
  source_.exec("INSERT INTO t VALUES (2)");
  const Error error = end_of(*stream);
  EXPECT_EQ(error.fault, Fault::lost) << error.what;
  EXPECT_THAT(error.hint, HasSubstr("take a new snapshot"));
}

// No version decodes what was written meanwhile by one that is made later.
TEST_P(AStreamInTrouble, a_publication_that_is_made_again_does_not_bring_back_what_was_written_without_it) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  source_.exec("DROP PUBLICATION \"Pub, of 'x'\"");
  source_.exec("INSERT INTO t VALUES (1)");
  source_.exec("CREATE PUBLICATION \"Pub, of 'x'\" FOR ALL TABLES");
  const auto stream = source_.open();
  EXPECT_EQ(end_of(*stream).fault, Fault::lost);
}

TEST_P(AStreamInTrouble, a_publication_that_is_made_again_before_anything_is_written_is_as_good) {
  source_.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  source_.exec("DROP PUBLICATION \"Pub, of 'x'\"");
  source_.exec("CREATE PUBLICATION \"Pub, of 'x'\" FOR ALL TABLES");
  source_.exec("INSERT INTO t VALUES (2)");
  const auto stream = source_.open();
  EXPECT_THAT(happened(*stream, source_).lines,
              ::testing::ElementsAre("begin", "insert t ('1')", "commit", "begin", "insert t ('2')", "commit"));
}

TEST_P(AStreamInTrouble, a_slot_that_is_gone_is_lost) {
  LogicalStream::Options options = source_.options();
  options.slot += "_of_nobody";
  const auto opened = source_.try_open(options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().fault, Fault::lost);
  EXPECT_THAT(opened.error().what, HasSubstr(options.slot));
}

class AStreamOfItsOwnServer : public ::testing::TestWithParam<int> {
 protected:
  testbed::PostgresServer own_{GetParam(), testbed::Flavour::logical, 7};
};
INSTANTIATE_TEST_SUITE_P(Majors, AStreamOfItsOwnServer, ::testing::Values(13, 18));

TEST_P(AStreamOfItsOwnServer, delivers_what_came_and_then_says_that_the_server_was_killed) {
  FollowedDatabase source(own_);
  source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto stream = source.open();
  source.exec("INSERT INTO t VALUES (1)");
  const model::Lsn end = source.end_of_log();
  testbed::wait_until("the change is here", [&] { return stream->reach().received >= end; });
  own_.kill();
  take_until(*stream, end, [](const model::Event&) {});
  EXPECT_EQ(end_of(*stream).fault, Fault::transient);
  own_.start();
}

// A server that shuts down waits until all is confirmed.
TEST_P(AStreamOfItsOwnServer, lets_a_server_shut_down_that_waits_for_what_is_not_confirmed) {
  FollowedDatabase source(own_);
  source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  LogicalStream::Options options = source.options();
  options.pulse.farewell = Milliseconds(300);
  const auto stream = source.open(options);
  source.exec("INSERT INTO t VALUES (1)");
  model::Lsn first;
  take_until(*stream, source.end_of_log(), [&](const model::Event& event) {
    if (event.kind == model::Event::Kind::commit) first = event.end;
  });
  stream->confirm(first);
  testbed::wait_until("the position is confirmed",
                      [&] { return source.of_slot("confirmed_flush_lsn") == to_string(first); });
  source.exec("INSERT INTO t VALUES (2)");
  take_until(*stream, source.end_of_log(), [](const model::Event&) {});
  own_.stop();
  const Error error = end_of(*stream);
  EXPECT_EQ(error.fault, Fault::transient);
  EXPECT_THAT(error.what, HasSubstr("shutting down"));
  own_.start();
}

}  // namespace
}  // namespace tributary::postgres::stream
