#include "engine/pipeline/pulse.h"

#include <gtest/gtest.h>

#include <atomic>

#include "engine/base/pause.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/fake_source.h"
#include "engine/pipeline/testing/fake_target.h"

namespace tributary::pipeline {
namespace {

using testing::Alarm;
using testing::FakeSource;
using testing::FakeTarget;
using testing::World;

constexpr Milliseconds often{1};

class APulse : public ::testing::Test {
 protected:
  // What the target answers from now on.
  void answer(std::function<Result<bool>(const Until&)> answer) {
    world.at_work = [this, answer](const Until& until) {
      Result<bool> at_work = answer(until);
      ++looks;
      return at_work;
    };
  }
  void wait_for_looks(int number) {
    while (looks < number) std::this_thread::yield();
  }

  const Alarm alarm{"a pulse"};
  World world;
  FakeSource source{world, "shop"};
  FakeTarget target{world, "shop"};
  ProgressBoard board{""};
  std::atomic<int> looks{0};
};

TEST_F(APulse, beats_while_the_target_is_at_work) {
  answer([](const Until&) { return true; });
  const SteadyTime before = board.last_movement();
  const Pulse pulse(source, target, board, often);
  while (board.last_movement() == before) std::this_thread::yield();
  const SteadyTime first = board.last_movement();
  while (board.last_movement() == first) std::this_thread::yield();
}

TEST_F(APulse, beats_while_the_source_alone_is_at_work) {
  const Result<bool> waits = false;
  const Result<bool> is_away = Error{Fault::transient, "no answer"};
  world.source_at_work = [](const Until&) { return true; };
  for (const Result<bool>& of_target : {waits, is_away}) {
    answer([&](const Until&) { return of_target; });
    const SteadyTime before = board.last_movement();
    const Pulse pulse(source, target, board, often);
    while (board.last_movement() == before) std::this_thread::yield();
  }
}

TEST_F(APulse, does_not_beat_while_the_target_only_waits) {
  answer([](const Until&) { return false; });
  const SteadyTime before = board.last_movement();
  {
    const Pulse pulse(source, target, board, often);
    wait_for_looks(5);
  }
  EXPECT_EQ(board.last_movement(), before);
}

TEST_F(APulse, does_not_beat_for_a_target_that_cannot_be_asked_but_looks_again) {
  answer([](const Until&) -> Result<bool> { return Error{Fault::transient, "no answer"}; });
  const SteadyTime before = board.last_movement();
  {
    const Pulse pulse(source, target, board, often);
    wait_for_looks(3);
  }
  EXPECT_EQ(board.last_movement(), before);
}

TEST_F(APulse, asks_with_an_end_and_is_not_held_up_by_a_target_that_does_not_answer) {
  std::atomic<bool> asked{false};
  answer([&](const Until& until) -> Result<bool> {
    EXPECT_LE(until.deadline.left(), Seconds(20));
    asked = true;
    while (pause_for(Seconds(1), until.stop)) continue;
    return Error{Fault::cancelled, "stopped"};
  });
  const Pulse pulse(source, target, board, often);
  while (!asked) std::this_thread::yield();
}

TEST_F(APulse, never_looks_where_no_stall_is_ever_seen) {
  answer([](const Until&) { return true; });
  const std::size_t threads = testing::threads_now();
  const Pulse pulse(source, target, board, Milliseconds(0));
  EXPECT_LE(testing::threads_now(), threads);
}

TEST(PulsePeriod, is_a_quarter_of_the_stall_timeout_within_reason) {
  EXPECT_EQ(pulse_period(Seconds(0)), Milliseconds(0));
  EXPECT_EQ(pulse_period(Seconds(1)), Milliseconds(500));
  EXPECT_EQ(pulse_period(Seconds(60)), Seconds(15));
  EXPECT_EQ(pulse_period(Seconds(900)), Seconds(30));
}

}  // namespace
}  // namespace tributary::pipeline
