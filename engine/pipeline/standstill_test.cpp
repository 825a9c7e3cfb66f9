#include "engine/pipeline/standstill.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/stream_world.h"

namespace tributary::pipeline {
namespace {

using testing::FakeEnds;
using testing::FakeHold;
using testing::StreamWorld;
using State = FakeHold::State;

TEST(AStance, follows_from_what_the_asker_has_said_and_how_long_the_stream_has_stood) {
  using Kind = HoldWord::Kind;
  struct Case {
    HoldWord word;
    bool is_at_cut;
    int stood_ms;
    Stance expected;
  };
  for (const Case& each :
       {Case{{Kind::none, {}}, false, 99, Stance::stand}, Case{{Kind::none, {}}, false, 100, Stance::expired},
        Case{{Kind::cut, {50}}, false, 0, Stance::go_to_cut}, Case{{Kind::cut, {50}}, false, 500, Stance::go_to_cut},
        Case{{Kind::cut, {40}}, false, 0, Stance::go_to_cut}, Case{{Kind::cut, {39}}, false, 0, Stance::expired},
        Case{{Kind::gone, {}}, false, 500, Stance::released}, Case{{Kind::none, {}}, true, 99, Stance::stand},
        Case{{Kind::none, {}}, true, 100, Stance::expired}, Case{{Kind::gone, {}}, true, 500, Stance::released}}) {
    const Stance stance =
        judge(each.word, each.is_at_cut, model::Lsn{40}, Milliseconds{each.stood_ms}, Milliseconds{100});
    EXPECT_EQ(stance, each.expected) << static_cast<int>(each.word.kind) << " after " << each.stood_ms << " ms";
  }
}

// Where an asker dies, or takes so long that the stream has lost its patience.
enum class Death { none, asked, standing, cut, reached };

// Asks, one time after the other, while the log grows; what the stream does in answer is checked. The world's mutex is
// its ledger's lock.
class Asker {
 public:
  Asker(StreamWorld& world, std::uint64_t seed) : world_(world), random_(seed) {}

  // True where it has seen a moment.
  bool ask(Death death, Milliseconds limit) {
    begin(limit);
    if (death == Death::asked) return die();
    if (!await(State::asked, State::standing)) return false;
    if (death == Death::standing) return outlast(State::standing);
    if (!cut()) return false;
    if (death == Death::cut) return die();
    grow();
    if (!await(State::cut, State::reached)) return false;
    grow();
    if (death == Death::reached) return outlast(State::reached);
    return look() && await(State::released, State::done);
  }
  void grow() {
    const std::lock_guard lock(world_.mutex);
    for (std::uint64_t more = random_() % 4; more > 0; --more) world_.log.push_back(end() + 10);
    if (random_() % 2 == 0) world_.idle_end = end();
  }

  void await_end_of_log() {
    while (true) {
      const std::lock_guard lock(world_.mutex);
      if (world_.ledger >= model::Lsn{world_.log.back()}) return;
    }
  }

 private:
  std::uint64_t end() const { return std::max(world_.idle_end, world_.log.empty() ? 10 : world_.log.back()); }
  void begin(Milliseconds limit) {
    const std::lock_guard lock(world_.mutex);
    world_.hold = FakeHold{++asker_, State::asked, limit};
  }
  bool die() {
    const std::lock_guard lock(world_.mutex);
    world_.hold.reset();
    return false;
  }
  // The stream goes on by itself.
  bool outlast(State state) {
    await(state, State::expired);
    const std::lock_guard lock(world_.mutex);
    EXPECT_TRUE(world_.hold->state == State::expired || world_.hold->state == State::gone);
    return false;
  }
  bool await(State from, State to) {
    while (true) {
      {
        const std::lock_guard lock(world_.mutex);
        if (world_.hold->state != from) return world_.hold->state == to;
      }
      std::this_thread::yield();
    }
  }
  bool cut() {
    const std::lock_guard lock(world_.mutex);
    if (world_.hold->state != State::standing) return false;
    for (std::uint64_t more = random_() % 4; more > 0; --more) world_.log.push_back(end() + 10);
    const std::uint64_t from = world_.hold->applied.value;
    const std::uint64_t to = std::max(from, end());
    world_.hold->cut = model::Lsn{from + random_() % (to - from + 1)};
    if (world_.hold->cut.value >= end()) world_.idle_end = world_.hold->cut.value;
    world_.hold->state = State::cut;
    return true;
  }
  // In one snapshot of the target.
  bool look() {
    const std::lock_guard lock(world_.mutex);
    if (world_.hold->state != State::reached || world_.ledger != world_.hold->applied) return false;
    world_.check_reached();
    world_.hold->state = State::released;
    return true;
  }

  StreamWorld& world_;
  std::mt19937_64 random_;
  int asker_ = 0;
};

constexpr Backoff::Limits at_once{Milliseconds{1}, 1.0, Milliseconds{1}, 0.0};

Pace::Limits brisk() {
  Pace::Limits limits{Milliseconds{1}, 5, 1 << 10, 200, 50, Milliseconds{3}, Milliseconds{5}};
  limits.holds_every = Milliseconds{1};
  return limits;
}

// Follows while `ask` asks on a thread of its own, then stops.
template <class Ask>
Result<void> follow_while(StreamWorld& world, Ask&& ask) {
  FakeEnds ends(world);
  StreamMeter meter;
  std::stop_source stop;
  std::jthread asker([&] {
    ask();
    stop.request_stop();
  });
  return follow(ends, meter, {Deadline::never(), stop.get_token()}, brisk(), at_once);
}

class AStandstill : public ::testing::TestWithParam<Death> {};
INSTANTIATE_TEST_SUITE_P(OfAnAsker, AStandstill,
                         ::testing::Values(Death::none, Death::asked, Death::standing, Death::cut, Death::reached));

TEST_P(AStandstill, ends_whatever_becomes_of_the_asker) {
  const testing::Alarm alarm("standing still");
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  StreamWorld world;
  world.random.seed(seed);
  world.checks_every_commit = true;
  world.log = {10, 20, 30};
  int seen = 0;
  ASSERT_TRUE(follow_while(world, [&] {
    Asker asker(world, seed);
    for (int round = 0; round < 8; ++round) {
      asker.grow();
      const bool dies = GetParam() == Death::standing || GetParam() == Death::reached;
      seen += asker.ask(GetParam(), dies ? Milliseconds{10} : Milliseconds{30'000}) ? 1 : 0;
    }
    asker.await_end_of_log();
  }));
  EXPECT_EQ(seen, GetParam() == Death::none ? 8 : 0);
  EXPECT_EQ(world.in_target, std::multiset<std::uint64_t>(world.log.begin(), world.log.end())) << "the stream goes on";
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST(AStreamThatStands, shows_nothing_but_exact_moments_whatever_breaks) {
  const testing::Alarm alarm("standing still through faults");
  const std::uint64_t first = std::random_device{}();
  int seen = 0;
  for (std::uint64_t seed = first; seed < first + 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    StreamWorld world;
    world.random.seed(seed);
    world.faults_left = 8;
    world.log = {10, 20, 30};
    ASSERT_TRUE(follow_while(world, [&] {
      Asker asker(world, seed);
      std::mt19937_64 random(seed);
      for (int round = 0; round < 6; ++round) {
        asker.grow();
        const Death death = random() % 3 == 0 ? static_cast<Death>(random() % 5) : Death::none;
        seen += asker.ask(death, Milliseconds{random() % 20}) ? 1 : 0;
      }
      asker.await_end_of_log();
    }));
    EXPECT_EQ(world.in_target, std::multiset<std::uint64_t>(world.log.begin(), world.log.end()));
    EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
  }
  EXPECT_GT(seen, 0);
}

TEST(AStreamThatStands, carries_sequences_once_somebody_has_had_his_moment) {
  const testing::Alarm alarm("carrying sequences after a moment");
  StreamWorld world;
  world.log = {10, 20, 30};
  const auto carried = [&] {
    const std::lock_guard lock(world.mutex);
    return world.carried;
  };
  ASSERT_TRUE(follow_while(world, [&] {
    Asker asker(world, 1);
    const int before = carried();
    while (!asker.ask(Death::none, Milliseconds{3'600'000})) {
    }
    while (carried() == before) std::this_thread::yield();
  }));
}

TEST(AStreamThatStands, does_not_outlast_a_stop) {
  const testing::Alarm alarm("stopping while it stands still");
  StreamWorld world;
  world.log = {10};
  world.hold = FakeHold{1, State::asked, Milliseconds{3'600'000}};
  ASSERT_TRUE(follow_while(world, [&] {
    while (true) {
      const std::lock_guard lock(world.mutex);
      if (world.hold->state == State::standing) return;
    }
  }));
  EXPECT_EQ(world.hold->state, State::expired) << "the asker is told";
}

TEST(AStreamThatStands, tells_an_asker_whose_cut_is_not_reached_before_a_stop) {
  const testing::Alarm alarm("stopping on the way to a cut");
  StreamWorld world;
  world.log = {10};
  world.hold = FakeHold{1, State::asked, Milliseconds{30'000}};
  ASSERT_TRUE(follow_while(world, [&] {
    for (bool is_cut = false; !is_cut;) {
      const std::lock_guard lock(world.mutex);
      if (world.hold->state != State::standing) continue;
      world.hold->state = State::cut;
      world.hold->cut = model::Lsn{1000};
      world.log.push_back(500);
      is_cut = true;
    }
    while (true) {
      const std::lock_guard lock(world.mutex);
      if (world.in_target.count(500) == 1) return;
    }
  }));
  EXPECT_EQ(world.hold->state, State::expired);
}

}  // namespace
}  // namespace tributary::pipeline
