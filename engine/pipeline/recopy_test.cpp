#include "engine/pipeline/recopy.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "engine/base/log.h"
#include "engine/pipeline/testing/alarm.h"

namespace tributary::pipeline {
namespace {

// A source's log that grows by moments of rest, a stream that follows it, and a ledger of tables. One call fails.
struct World {
  std::mutex mutex;         // guards everything below
  std::uint64_t end = 100;  // of the source's log
  std::map<std::string, std::string> states{{"a", "recopy"}, {"b", "recopy"}};
  std::set<std::string> together;  // tables that share one of the target
  std::map<std::string, std::string> reasons;
  std::map<std::string, std::uint64_t> positions;
  std::set<std::string> let_go;  // by the stream, which has read the list of tables since they were asked for
  std::uint64_t stream_at = 0;
  int calls = 0;
  int fails_at = 0;
  Fault failure = Fault::transient;
  std::string refused;        // a table whose rows the target refuses
  bool differs_once = false;  // a change of the first table
  int failing_copies = 0;     // still to come
  int copies = 0;
  int stands = 0;                  // of the stream, for the recopy
  int busy_moments = 0;            // still to come: nothing arrives while the stream waits
  bool is_standing = false;        // the stream
  bool is_long_in_coming = false;  // the stream, after the copies: the recopy is to come to `beyond` before
  std::uint64_t beyond = 0;
  std::uint64_t recopied_to = 0;
  std::vector<std::string> complaints;

  Result<void> step() {
    if (++calls == fails_at) return Error{failure, "on purpose"};
    return {};
  }
  bool is_any(const std::string& state) {
    for (const auto& [name, each] : states)
      if (each == state) return true;
    return false;
  }
};

class RestStream : public ChangeStream {
 public:
  RestStream(World& world, std::uint64_t at) : world_(world), at_(at) {}
  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until& until) override {
    const std::lock_guard lock(world_.mutex);
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped"};
    TRY(world_.step());
    auto batch = std::make_shared<model::Batch>();
    const bool is_busy = world_.busy_moments > 0 && world_.is_standing;
    if (at_ < world_.end && !is_busy) {
      at_ = world_.recopied_to = std::min(at_ + 30, world_.end);
      model::Event event;
      event.kind = model::Event::Kind::idle;
      event.end = model::Lsn{at_};
      batch->add(event);
    }
    return std::shared_ptr<const model::Batch>(std::move(batch));
  }
  void confirm(model::Lsn) override {}
  Reach reach() const override { return {}; }

 private:
  World& world_;
  std::uint64_t at_;
};

class RestApplier : public Applier {
 public:
  RestApplier(World& world, std::vector<std::string> tables, std::uint64_t at)
      : world_(world), tables_(std::move(tables)), given_{at} {
    position_.applied = given_;
  }
  StreamPosition position() const override { return position_; }
  Result<void> apply(const model::Events& events, ApplyMode, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    if (std::exchange(world_.differs_once, false)) {
      stopped_ = StoppedTable{{"public", tables_.front()}, "no row"};
      return Error{Fault::differs, "no row"};
    }
    for (const model::Event& event : events) given_ = event.end;
    return {};
  }
  bool keeps() const override { return false; }
  Result<void> commit(bool, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    for (const std::string& each : tables_) world_.positions[each] = given_.value;
    position_.applied = given_;
    return {};
  }
  const std::optional<StoppedTable>& stopped() const override { return stopped_; }
  Result<void> stop(const StoppedTable&, const Until&) override { return {}; }
  Result<void> reload(const Until&) override { return {}; }
  bool usable() const override { return true; }

 private:
  World& world_;
  const std::vector<std::string> tables_;
  model::Lsn given_;
  StreamPosition position_;
  std::optional<StoppedTable> stopped_;
};

class FakeRound : public RecopyRound {
 public:
  FakeRound(World& world, const std::vector<AskedTable>& tables)
      : world_(world), start_(world.differs_once ? 0 : world.end) {  // with something to apply, where that is to differ
    std::vector<model::Name> together;
    for (const AskedTable& each : tables) {
      if (world.together.count(each.name.name) == 0) units_.push_back({each.name});
      if (world.together.count(each.name.name) != 0) together.push_back(each.name);
    }
    if (!together.empty()) units_.insert(units_.begin(), together);
  }
  const std::vector<StoppedUnit>& refused() const override { return refused_; }
  const std::vector<std::vector<model::Name>>& units() const override { return units_; }
  Result<void> copy(std::size_t unit, const Told& told, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    const std::string& name = units_[unit].front().name;
    for (const model::Name& each : units_[unit])
      if (world_.let_go.count(each.name) == 0) world_.complaints.push_back("copied what the stream still has");
    if (world_.failing_copies > 0 && world_.failing_copies-- > 0) return Error{Fault::transient, "on purpose"};
    ++world_.copies;
    if (name == world_.refused) return Error{Fault::invalid, "a constraint of the target"};
    TRY(told(10, 1000));
    for (const model::Name& each : units_[unit]) {
      world_.positions[each.name] = start_;
      copied_.push_back(each.name);
    }
    return {};
  }
  bool follows() const override { return !copied_.empty(); }
  Result<std::unique_ptr<Applier>> applier(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    return std::unique_ptr<Applier>(std::make_unique<RestApplier>(world_, copied_, start_));
  }
  Result<std::unique_ptr<ChangeStream>> stream(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    return std::unique_ptr<ChangeStream>(std::make_unique<RestStream>(world_, start_));
  }
  Result<void> hand_over(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    for (const std::string& each : copied_) {
      if (world_.positions[each] < world_.stream_at) world_.complaints.push_back("handed over behind the stream");
      world_.states[each] = "followed";
    }
    return world_.step();  // only the answer is lost
  }

 private:
  World& world_;
  const std::uint64_t start_;
  std::vector<StoppedUnit> refused_;
  std::vector<std::vector<model::Name>> units_;
  std::vector<std::string> copied_;
};

class FakeEnds : public RecopyEnds {
 public:
  explicit FakeEnds(World& world) : world_(world) {}
  Result<std::vector<AskedTable>> wanted(const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    std::vector<AskedTable> tables;
    for (const auto& [name, state] : world_.states)
      if (state == "recopy") tables.push_back({{"public", name}, static_cast<std::uint32_t>(name.front())});
    return tables;
  }
  Result<std::unique_ptr<RecopyRound>> begin(const std::vector<AskedTable>& tables, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    return std::unique_ptr<RecopyRound>(std::make_unique<FakeRound>(world_, tables));
  }
  Result<void> stop(const StoppedUnit& unit, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    TRY(world_.step());
    for (const StoppedTable& each : unit) {
      world_.states[each.table.name] = "stopped";
      world_.reasons[each.table.name] = each.reason;
    }
    return {};
  }

 private:
  World& world_;
};

const RecopyLimits brisk{Milliseconds{1},
                         50,
                         Milliseconds{5'000},
                         Milliseconds{5'000},
                         {Milliseconds{1}, 5, 1 << 10, 200, 50, Milliseconds{1}, Milliseconds{1}},
                         {Milliseconds{1}, 1.0, Milliseconds{1}, 0.0}};

// The thread that follows: goes on with the log, stands still where it is asked to, and reads the list of tables then.
void follow_log(World& world, Crossing& crossing, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::uint64_t at = 0;
    {
      const std::lock_guard lock(world.mutex);
      world.end += 7;
      at = world.stream_at = std::min(world.stream_at + 40, world.end);
    }
    crossing.reached(model::Lsn{at});
    if (!crossing.wanted()) {
      std::this_thread::yield();
      continue;
    }
    // What it reads after it stood, it read before it goes on.
    const auto still_to_copy = [&] {
      std::set<std::string> names;
      for (const auto& [name, state] : world.states)
        if (state == "recopy") names.insert(name);
      return names;
    };
    std::set<std::string> let_go;
    {
      const std::lock_guard lock(world.mutex);
      if (world.copies > 0 && std::exchange(world.is_long_in_coming, false)) world.beyond = world.end + 500;
      if (world.recopied_to < world.beyond) continue;
      ++world.stands;
      world.is_standing = true;
      if (world.busy_moments > 0) at = world.stream_at = world.end += 7;  // which the recopy cannot have by now
      let_go = std::exchange(world.let_go, still_to_copy());
    }
    const bool reads_anew = crossing.stand(model::Lsn{at}, stop);
    const std::lock_guard lock(world.mutex);
    world.is_standing = false;
    world.let_go = reads_anew ? still_to_copy() : let_go;
    if (world.busy_moments > 0 && !reads_anew) --world.busy_moments;
  }
}

// Until no table is to be copied again.
api::StreamProgress recopy_all(World& world, const std::function<bool()>& done, const RecopyLimits& limits = brisk) {
  Crossing crossing;
  FakeEnds ends(world);
  StreamMeter meter;
  std::stop_source stop;
  std::jthread follower([&](const std::stop_token& token) { follow_log(world, crossing, token); });
  std::jthread watcher([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      {
        const std::lock_guard lock(world.mutex);
        if (done()) break;
      }
      std::this_thread::yield();
    }
    stop.request_stop();
  });
  recopy(ends, crossing, meter, {Deadline::never(), stop.get_token()}, limits);
  return meter.snapshot({});
}

class ARecopy : public ::testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::error); }
  const testing::Alarm alarm{"copying tables again"};
};

TEST_F(ARecopy, hands_tables_over_at_or_beyond_the_stream) {
  World world;
  const api::StreamProgress progress = recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.states["a"], "followed");
  EXPECT_EQ(world.states["b"], "followed");
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
  EXPECT_FALSE(progress.recopy);
}

TEST_F(ARecopy, overcomes_a_fault_of_every_call_in_turn) {
  for (int call = 1; call <= 60; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    World world;
    world.fails_at = call;
    recopy_all(world, [&] { return !world.is_any("recopy") && world.calls > call; });
    EXPECT_EQ(world.states["a"], "followed");
    EXPECT_EQ(world.states["b"], "followed");
    EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
  }
}

TEST_F(ARecopy, stops_a_table_whose_rows_are_refused_and_brings_the_others_back) {
  World world;
  world.refused = "a";
  recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.states["a"], "stopped");
  EXPECT_EQ(world.states["b"], "followed");
}

TEST_F(ARecopy, stops_a_table_whose_changes_differ_and_copies_the_others_once_more) {
  World world;
  world.differs_once = true;
  recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.states["a"], "stopped");
  EXPECT_EQ(world.states["b"], "followed");
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST_F(ARecopy, stops_all_tables_that_share_one_of_the_target) {
  World world;
  world.states["c"] = "recopy";
  world.together = {"a", "b"};
  world.differs_once = true;
  recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.states["c"], "followed");
  EXPECT_EQ(world.states["a"], "stopped");
  EXPECT_EQ(world.states["b"], "stopped");
  const auto in_turn = [&](const char* other) {
    return "its rows lie in one table of the target with those of public." + std::string(other) +
           ", which cannot be copied again: no row";
  };
  EXPECT_TRUE((world.reasons["a"] == "no row" && world.reasons["b"] == in_turn("a")) ||
              (world.reasons["b"] == "no row" && world.reasons["a"] == in_turn("b")));
}

TEST_F(ARecopy, ends_where_another_engine_owns_the_replication) {
  World world;
  world.fails_at = 3;
  world.failure = Fault::fenced;
  recopy_all(world, [] { return false; });
  EXPECT_TRUE(world.is_any("recopy"));
}

TEST_F(ARecopy, disturbs_the_stream_once_however_often_it_fails) {
  World world;
  world.failing_copies = 20;
  recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.states["a"], "followed");
  EXPECT_EQ(world.stands, 2) << "to let the tables go, and to take them back";
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST_F(ARecopy, lets_a_table_go_again_that_is_asked_for_again) {
  World world;
  bool was_asked = false;
  recopy_all(world, [&] {
    if (world.is_any("recopy")) return false;
    if (std::exchange(was_asked, true)) return true;
    for (auto& [name, state] : world.states) state = "recopy";
    return false;
  });
  EXPECT_EQ(world.copies, 4);
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST_F(ARecopy, keeps_what_it_has_copied_when_it_misses_the_stream) {
  World world;
  world.busy_moments = 4;
  RecopyLimits impatient = brisk;
  impatient.first_patience = Milliseconds{10};
  recopy_all(
      world, [&] { return !world.is_any("recopy"); }, impatient);
  EXPECT_EQ(world.copies, 2);
  EXPECT_EQ(world.busy_moments, 0);
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST_F(ARecopy, goes_on_while_the_stream_is_long_in_coming) {
  World world;
  world.is_long_in_coming = true;
  recopy_all(world, [&] { return !world.is_any("recopy"); });
  EXPECT_EQ(world.copies, 2);
  EXPECT_GT(world.beyond, 0u);
  EXPECT_TRUE(world.complaints.empty()) << world.complaints.front();
}

TEST(ACrossing, does_not_wait_for_a_copier_that_takes_too_long) {
  const testing::Alarm alarm("a crossing");
  Crossing crossing;
  crossing.ask(Milliseconds{1});
  EXPECT_FALSE(crossing.stand(model::Lsn{5}, {})) << "nothing has changed for it";
  EXPECT_FALSE(crossing.standing());
  EXPECT_FALSE(crossing.seal());
}

TEST(ACrossing, has_the_tables_read_anew_though_the_next_meeting_is_asked_for_at_once) {
  const testing::Alarm alarm("a crossing");
  Crossing crossing;
  crossing.ask(Milliseconds{60'000});
  bool reads_anew = false;
  std::jthread follower([&](const std::stop_token& stop) { reads_anew = crossing.stand(model::Lsn{5}, stop); });
  ASSERT_TRUE(crossing.await({}));
  EXPECT_EQ(crossing.standing(), model::Lsn{5});
  ASSERT_TRUE(crossing.seal());
  crossing.release();
  crossing.ask(Milliseconds{1});
  follower.join();
  EXPECT_TRUE(reads_anew);
}

}  // namespace
}  // namespace tributary::pipeline
