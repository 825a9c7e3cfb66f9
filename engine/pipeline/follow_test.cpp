#include "engine/pipeline/follow.h"

#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <thread>

#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/stream_world.h"

namespace tributary::pipeline {
namespace {

using testing::FakeEnds;
using World = testing::StreamWorld;

constexpr Backoff::Limits at_once{Milliseconds{1}, 1.0, Milliseconds{1}, 0.0};
const Pace::Limits brisk{Milliseconds{1}, 5, 1 << 10, 200, 50, Milliseconds{3}, Milliseconds{5}};

Result<void> follow_at_once(StreamEnds& ends, StreamMeter& meter, const Until& until) {
  return follow(ends, meter, until, brisk, at_once);
}

Result<void> hold_at_once(StreamEnds& ends, StreamMeter& meter, const Until& until) {
  return hold(ends, meter, until, at_once);
}

// Follows until `done` says so, then stops it.
Result<void> follow_until(World& world, FakeEnds& ends, StreamMeter& meter, const std::function<bool()>& done) {
  std::stop_source stop;
  std::jthread watcher([&] {
    while (true) {
      {
        const std::lock_guard lock(world.mutex);
        if (done()) break;
      }
      std::this_thread::yield();
    }
    stop.request_stop();
  });
  return follow(ends, meter, {Deadline::never(), stop.get_token()}, brisk, at_once);
}

TEST(AFollower, applies_every_transaction_once_whatever_breaks) {
  const testing::Alarm alarm("following through faults");
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world;
    world.random.seed(seed);
    world.faults_left = 20;
    for (std::uint64_t end = 10; end < 10 + 10 * (seed % 60); end += 10) world.log.push_back(end);
    FakeEnds ends(world);
    StreamMeter meter;
    const Result<void> ended = follow_until(
        world, ends, meter, [&] { return world.log.empty() || world.ledger_on_disk.value == world.log.back(); });
    ASSERT_TRUE(ended) << ended.error().what;
    EXPECT_EQ(world.in_target, std::multiset<std::uint64_t>(world.log.begin(), world.log.end()));
    EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
  }
}

TEST(AFollower, puts_what_it_has_on_disk_when_it_is_stopped) {
  const testing::Alarm alarm("stopping");
  World world;
  world.log = {10, 20, 30};
  FakeEnds ends(world);
  StreamMeter meter;
  const Result<void> ended = follow_until(world, ends, meter, [&] { return world.ledger.value == 30; });
  ASSERT_TRUE(ended);
  EXPECT_EQ(world.on_disk.size(), 3u);
  EXPECT_EQ(world.confirmed, model::Lsn{30});
  EXPECT_EQ(world.sequences, 30u);
  EXPECT_EQ(world.last_looks, 1) << "who stops it is told of what the source has made meanwhile";
  EXPECT_GT(world.carried, world.carried_then) << "the look may have made sequences on the target";
  EXPECT_EQ(meter.snapshot({}).transactions, 3u);
  ASSERT_TRUE(meter.snapshot({}).aside);
  EXPECT_EQ(meter.snapshot({}).aside->stopped, 1u);
}

TEST(AFollower, stops_a_table_that_differs_and_goes_on_with_the_others) {
  const testing::Alarm alarm("stopping a table");
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world;
    world.random.seed(seed);
    world.faults_left = static_cast<int>(seed % 10);
    world.log = {10, 20, 30, 40, 50};
    world.poison = 30;
    FakeEnds ends(world);
    StreamMeter meter;
    ASSERT_TRUE(follow_until(world, ends, meter, [&] { return world.ledger_on_disk.value == 50; }));
    EXPECT_EQ(world.stopped_table, "t");
    EXPECT_EQ(world.in_target.size(), 5u);
    EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
  }
}

TEST(AFollower, carries_sequences_however_often_its_stream_is_opened_anew) {
  const testing::Alarm alarm("carrying sequences");
  World world;
  world.log = {10};
  world.always_changed = true;
  FakeEnds ends(world);
  StreamMeter meter;
  std::stop_source stop;
  std::jthread watcher([&] {
    while (true) {
      {
        const std::lock_guard lock(world.mutex);
        if (world.carried >= 3) break;
      }
      std::this_thread::yield();
    }
    stop.request_stop();
  });
  Pace::Limits limits = brisk;
  limits.sequences_every = Milliseconds{20};
  EXPECT_TRUE(follow(ends, meter, {Deadline::never(), stop.get_token()}, limits, at_once));
}

// As a recopy has it opened when it hands tables over.
class EndsThatAreStoppedAtTheSecondStream : public FakeEnds {
 public:
  using FakeEnds::FakeEnds;
  Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition& position, const Until& until) override {
    if (streams_++ == 0) return FakeEnds::stream(position, until);
    stop_.request_stop();
    return Error{Fault::cancelled, "stopped"};
  }
  std::stop_source stop_;

 private:
  int streams_ = 0;
};

TEST(AFollower, carries_sequences_and_looks_once_more_though_it_is_stopped_while_its_stream_is_opened_anew) {
  const testing::Alarm alarm("stopping between streams");
  World world;
  world.log = {10};
  world.always_changed = true;
  EndsThatAreStoppedAtTheSecondStream ends(world);
  StreamMeter meter;
  EXPECT_TRUE(follow(ends, meter, {Deadline::never(), ends.stop_.get_token()}, brisk, at_once));
  EXPECT_EQ(world.sequences, 10u);
  EXPECT_EQ(world.last_looks, 1);
}

TEST(AFollower, that_holds_applies_nothing_and_watches_the_slot) {
  const testing::Alarm alarm("holding");
  World world;
  world.random.seed(1);
  world.faults_left = 5;
  world.log = {10, 20};
  FakeEnds ends(world);
  StreamMeter meter;
  std::stop_source stop;
  std::jthread watcher([&] {
    while (meter.snapshot({}).state != api::StreamState::holding) std::this_thread::yield();
    stop.request_stop();
  });
  ASSERT_TRUE(hold(ends, meter, {Deadline::never(), stop.get_token()}, at_once));
  watcher.join();
  const api::StreamProgress progress = meter.snapshot({});
  EXPECT_TRUE(world.in_target.empty());
  EXPECT_EQ(progress.slot, "slot");
  EXPECT_EQ(progress.retained_bytes, 7u);
  EXPECT_EQ(progress.lag_bytes, 19u);
  ASSERT_TRUE(progress.aside);
  EXPECT_EQ(progress.aside->tables.at(0).name, "public.t") << "what has stopped is told of in a pause, too";
}

TEST(AFollower, watches_what_the_source_keeps_while_the_target_is_away) {
  const testing::Alarm alarm("watching the source");
  for (const auto& at : {follow_at_once, hold_at_once}) {
    World world;
    FakeEnds ends(world);
    ends.target_is_away_ = true;
    StreamMeter meter;
    std::stop_source stop;
    std::jthread watcher([&] {
      while (meter.snapshot({}).retained_bytes.value_or(0) < 1003) std::this_thread::yield();
      stop.request_stop();
    });
    ASSERT_TRUE(at(ends, meter, {Deadline::never(), stop.get_token()}));
    EXPECT_EQ(meter.snapshot({}).state, api::StreamState::connecting);
    EXPECT_EQ(meter.snapshot({}).error, "the target is away");
    EXPECT_EQ(meter.snapshot({}).slot, "slot");
  }
}

TEST(AFollower, ends_with_what_no_retry_overcomes) {
  const testing::Alarm alarm("ending");
  for (const Fault fault : {Fault::lost, Fault::fenced, Fault::invalid, Fault::failed, Fault::denied}) {
    World world;
    FakeEnds ends(world);
    ends.next_ = Error{fault, "no way on"};
    StreamMeter meter;
    const Result<void> ended = follow(ends, meter, {}, brisk, at_once);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().fault, fault);
    EXPECT_EQ(world.last_end, fault == Fault::fenced ? "" : "no way on") << "for whoever asks later";
  }
}

}  // namespace
}  // namespace tributary::pipeline
