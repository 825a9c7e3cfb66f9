#include "engine/postgres/client/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace tributary::postgres {
namespace {

Result<Output> shell(const std::string& script, const Until& until) {
  return run({{"/bin/sh", "-c", script}, {}, {}}, until);
}

TEST(AProgram, that_closes_its_outputs_and_lives_on_ends_with_the_time_it_has) {
  const Result<Output> ended = shell("exec >&- 2>&-; exec sleep 20", {Deadline::after(Milliseconds{200}), {}});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().fault, Fault::transient);
}

TEST(AProgram, that_closes_its_outputs_and_lives_on_is_stopped) {
  const std::filesystem::path closed =
      std::filesystem::path(testing::TempDir()) / ("closed." + std::to_string(getpid()));
  std::stop_source stop;
  const std::jthread later([&] {
    while (!std::filesystem::exists(closed)) std::this_thread::yield();
    stop.request_stop();
  });
  const Result<Output> ended = shell("exec >&- 2>&-; : > " + closed.string() + "; exec sleep 20",
                                     {Deadline::after(Seconds{10}), stop.get_token()});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().fault, Fault::cancelled);
  std::filesystem::remove(closed);
}

TEST(AProgram, that_closes_its_outputs_is_waited_for) {
  const Result<Output> ended =
      shell("echo out; echo err >&2; exec >&- 2>&-; sleep 0.1; exit 7", {Deadline::after(Seconds{30}), {}});
  ASSERT_TRUE(ended) << ended.error().what;
  EXPECT_EQ(ended->status, 7);
  EXPECT_EQ(ended->output, "out\n");
  EXPECT_EQ(ended->errors, "err\n");
}

TEST(AProgram, that_a_signal_ended_says_which) {
  const Result<Output> ended = shell("kill -9 $$", {Deadline::after(Seconds{30}), {}});
  ASSERT_TRUE(ended) << ended.error().what;
  EXPECT_EQ(ended->status, 128 + 9);
}

}  // namespace
}  // namespace tributary::postgres
