#include "engine/pipeline/follow.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "engine/pipeline/testing/alarm.h"

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;

// A source's log of transactions, one insert each, and a target that counts them. Faults come at drawn moments.
struct World {
  std::mutex mutex;  // guards everything below
  std::mt19937_64 random;
  int faults_left = 0;
  std::vector<std::uint64_t> log;          // ends of transactions
  std::multiset<std::uint64_t> in_target;  // committed
  std::multiset<std::uint64_t> on_disk;    // what a crash of the target leaves
  model::Lsn ledger{1};
  model::Lsn ledger_on_disk{1};
  model::Lsn confirmed{1};
  std::optional<std::uint64_t> poison;  // its change meets no row, while its table is followed
  std::string stopped_table;
  std::uint64_t sequences = 0;  // of the target, as far as the source's log then
  int carried = 0;
  int last_looks = 0;           // at the source's tables, at a stop
  int carried_then = 0;         // how often sequences had been carried by the last of them
  bool always_changed = false;  // the source's tables, so that the stream is opened anew at every turn
  int engines = 0;
  std::vector<std::string> complaints;

  bool strikes() {
    if (faults_left == 0 || random() % 5 != 0) return false;
    --faults_left;
    return true;
  }
  Error fault() { return {Fault::transient, "the server went away"}; }
};

class FakeStream : public ChangeStream {
 public:
  FakeStream(World& world, model::Lsn from) : world_(world), at_(from) {}

  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until& until) override {
    const std::lock_guard lock(world_.mutex);
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped"};
    if (world_.strikes()) return world_.fault();
    auto batch = std::make_shared<model::Batch>();
    for (int events = 0; events < 7; ++events) {
      const auto next = std::upper_bound(world_.log.begin(), world_.log.end(), at_.value);
      if (next == world_.log.end()) break;
      model::Event event;
      event.kind = static_cast<Kind>(step_ == 0 ? Kind::begin : step_ == 1 ? Kind::insert : Kind::commit);
      event.table = step_ == 1 ? batch->keep(table_) : nullptr;
      event.lsn = model::Lsn{*next - 1};
      event.end = model::Lsn{*next};
      batch->add(event);
      if (step_ == 2) at_ = model::Lsn{*next};
      step_ = (step_ + 1) % 3;
    }
    return std::shared_ptr<const model::Batch>(std::move(batch));
  }
  void confirm(model::Lsn durable) override {
    const std::lock_guard lock(world_.mutex);
    if (durable > world_.ledger_on_disk) world_.complaints.push_back("confirmed what is not on disk");
    world_.confirmed = std::max(world_.confirmed, durable);
  }
  Reach reach() const override {
    const std::lock_guard lock(world_.mutex);
    return {at_, model::Lsn{world_.log.empty() ? 0 : world_.log.back()}, {}};
  }

 private:
  World& world_;
  model::Lsn at_;
  int step_ = 0;  // inside a transaction
  const std::shared_ptr<const model::LogTable> table_ =
      std::make_shared<const model::LogTable>(model::LogTable{1, {"public", "t"}, {}, {}});
};

class FakeApplier : public Applier {
 public:
  explicit FakeApplier(World& world) : world_(world) {
    const std::lock_guard lock(world_.mutex);
    if (world_.engines++ > 0) world_.complaints.push_back("two appliers at once");
    position_.applied = world_.ledger;
  }
  ~FakeApplier() override {
    const std::lock_guard lock(world_.mutex);
    --world_.engines;
  }

  StreamPosition position() const override { return position_; }

  Result<void> apply(const model::Events& events, ApplyMode, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return broken();
    for (const model::Event& event : events) {
      if (event.kind == Kind::insert && world_.poison == event.end.value && world_.stopped_table.empty()) {
        stopped_ = StoppedTable{event.table->name, "no row"};
        open_.clear();
        return Error{Fault::differs, "no row"};
      }
      if (event.kind == Kind::commit) {
        open_.push_back(event.end.value);
        given_ = event.end;
      }
    }
    return {};
  }
  bool keeps() const override { return false; }
  Result<void> commit(bool durable, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return broken();
    for (const std::uint64_t end : open_) world_.in_target.insert(end);
    open_.clear();
    world_.ledger = std::max(world_.ledger, given_);
    if (durable) {
      world_.on_disk = world_.in_target;
      world_.ledger_on_disk = world_.ledger;
    }
    if (world_.strikes()) return broken();  // only the answer is lost
    position_.applied = world_.ledger;
    return {};
  }
  const std::optional<StoppedTable>& stopped() const override { return stopped_; }
  Result<void> stop(const StoppedTable& table, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    world_.stopped_table = table.table.name;
    stopped_.reset();
    return {};
  }
  Result<void> reload(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return broken();
    open_.clear();
    given_ = {};
    return {};
  }
  bool usable() const override { return usable_; }

 private:
  // The server may have been one that crashed.
  Error broken() {
    usable_ = false;
    open_.clear();
    if (world_.random() % 2 == 0) {
      world_.in_target = world_.on_disk;
      world_.ledger = world_.ledger_on_disk;
    }
    return world_.fault();
  }

  World& world_;
  StreamPosition position_;
  std::vector<std::uint64_t> open_;
  model::Lsn given_;
  std::optional<StoppedTable> stopped_;
  bool usable_ = true;
};

// Nothing is ever asked for.
class NoRecopies : public RecopyEnds {
 public:
  Result<std::vector<AskedTable>> wanted(const Until&) override { return std::vector<AskedTable>{}; }
  Result<std::unique_ptr<RecopyRound>> begin(const std::vector<AskedTable>&, const Until&) override {
    return Error{Fault::failed, "nobody asked"};
  }
  Result<void> stop(const StoppedUnit&, const Until&) override { return {}; }
};

class FakeEnds : public StreamEnds {
 public:
  explicit FakeEnds(World& world) : world_(world) {}
  Result<std::unique_ptr<Applier>> applier(const Until&) override {
    if (target_is_away_) return Error{Fault::transient, "the target is away"};
    if (next_) return *std::exchange(next_, {});
    return std::unique_ptr<Applier>(std::make_unique<FakeApplier>(world_));
  }
  Result<std::unique_ptr<ChangeStream>> stream(model::Lsn applied, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    if (applied < world_.confirmed) world_.complaints.push_back("asked for what the source may have forgotten");
    return std::unique_ptr<ChangeStream>(std::make_unique<FakeStream>(world_, applied));
  }
  Result<SlotHealth> look_at_slot(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    return SlotHealth{"slot", model::Lsn{world_.log.empty() ? 0 : world_.log.back()}, 7};
  }
  Result<SlotHealth> look_at_slot_alone(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    return SlotHealth{"slot", {}, ++alone_};
  }
  Result<TableStanding> look_at_ledger(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    return TableStanding{.aside = {.stopped = 1, .tables = {{"public.t", "stopped", "a row was not there"}}}};
  }
  Result<void> carry_sequences(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    world_.sequences = world_.log.empty() ? 0 : world_.log.back();
    ++world_.carried;
    return {};
  }
  Result<bool> look_at_tables(model::Lsn, Look look, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    if (look == Look::now) {
      ++world_.last_looks;
      world_.carried_then = world_.carried;
    }
    return world_.always_changed || world_.strikes();  // then all begins again
  }
  std::unique_ptr<RecopyEnds> recopy_ends() override { return std::make_unique<NoRecopies>(); }
  std::optional<Error> next_;  // of applier()
  bool target_is_away_ = false;

 private:
  World& world_;
  std::uint64_t alone_ = 1000;  // what the source keeps grows from look to look
};

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
  Result<std::unique_ptr<ChangeStream>> stream(model::Lsn applied, const Until& until) override {
    if (streams_++ == 0) return FakeEnds::stream(applied, until);
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
  }
}

}  // namespace
}  // namespace tributary::pipeline
