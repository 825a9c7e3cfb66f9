#include "engine/cli/watchdog.h"

#include <gtest/gtest.h>

#include <future>

namespace tributary::cli {
namespace {

const SteadyTime start = SteadyTime{} + Seconds{1000};

api::Report failure(const std::string& reason, const std::string& message) {
  api::Report report;
  report.exit_code = api::ExitCode::failed;
  report.reason = reason;
  report.message = message;
  return report;
}

api::Progress waiting() {
  api::Progress progress;
  progress.phase = api::Phase::waiting;
  progress.message = "another engine is at work";
  return progress;
}

TEST(Judge, ends_work_for_a_signal_or_when_its_time_is_over_or_nothing_moved) {
  const Patience patience{Seconds{100}, Seconds{10}};
  EXPECT_EQ(judge(patience, {start, start, start + Seconds{9}}), Cause::none);
  EXPECT_EQ(judge(patience, {start, start, start + Seconds{10}}), Cause::stalled);
  EXPECT_EQ(judge(patience, {start, start + Seconds{99}, start + Seconds{100}}), Cause::timeout);
  EXPECT_EQ(judge(patience, {start, start, start, true}), Cause::interrupted);
  EXPECT_EQ(judge({}, {start, start, start + Seconds{1'000'000}}), Cause::none);
}

TEST(Occupation, names_what_is_waited_for_or_the_table_that_is_copied) {
  EXPECT_EQ(occupation(waiting()), " while waiting: another engine is at work");
  api::Progress copying;
  copying.phase = api::Phase::copying;
  EXPECT_EQ(occupation(copying), " while copying");
  copying.databases.resize(2);
  copying.databases[1].name = "app";
  copying.databases[1].active.push_back({.name = "public.orders"});
  EXPECT_EQ(occupation(copying), " while copying table app.public.orders");
}

TEST(StoppedWork, says_why_it_was_stopped_and_what_it_was_at) {
  const Patience patience{Seconds{90}, Seconds{60}};
  const api::Report report = failure("Stopped", "stopped while waiting for the server");
  const std::string at = occupation(waiting());
  EXPECT_EQ(with_cause(report, {Cause::timeout, at}, patience).message,
            "not done within the timeout of 1m30s while waiting: another engine is at work");
  EXPECT_EQ(with_cause(report, {Cause::stalled, at}, patience).message,
            "nothing moved for 1m00s while waiting: another engine is at work");
  EXPECT_EQ(with_cause(report, {Cause::interrupted, at, "SIGTERM"}, patience).message,
            "interrupted by SIGTERM while waiting: another engine is at work");
  EXPECT_EQ(with_cause(report, {}, patience).message, report.message);
}

TEST(StoppedWork, that_waited_for_a_server_keeps_the_servers_error) {
  const api::Report report = failure("SourceUnreachable", "cannot connect to db:5432");
  const api::Report kept = with_cause(report, {Cause::stalled, occupation(waiting())}, {});
  EXPECT_EQ(kept.reason, "SourceUnreachable");
  EXPECT_EQ(kept.message, "cannot connect to db:5432");
}

TEST(StoppedWork, that_ended_otherwise_stays) {
  api::Report report;
  report.reason = "SnapshotComplete";
  EXPECT_EQ(with_cause(report, {Cause::timeout, ""}, {}).reason, "SnapshotComplete");
}

TEST(AWatchdog, gives_up_on_work_that_ignores_the_stop) {
  pipeline::ProgressBoard board("");
  std::promise<Stop> given_up;
  const Watchdog watchdog({Seconds{0}, Seconds{1}, Milliseconds{1}}, board, -1,
                          [&](const Stop& stop) { given_up.set_value(stop); });
  EXPECT_EQ(given_up.get_future().get().cause, Cause::stalled);
  EXPECT_TRUE(watchdog.stop().stop_requested());
  EXPECT_EQ(watchdog.stopped().at, " while starting");
}

}  // namespace
}  // namespace tributary::cli
