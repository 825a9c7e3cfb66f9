#include "engine/pipeline/testing/stream_world.h"

#include <algorithm>

namespace tributary::pipeline::testing {
namespace {

using Kind = model::Event::Kind;
using State = FakeHold::State;

class FakeStream : public ChangeStream {
 public:
  FakeStream(StreamWorld& world, model::Lsn from) : world_(world), at_(from) {}

  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until& until) override {
    const std::lock_guard lock(world_.mutex);
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped"};
    if (world_.strikes()) return world_.fault();
    auto batch = std::make_shared<model::Batch>();
    for (int events = 0; events < 7; ++events) {
      const auto next = std::upper_bound(world_.log.begin(), world_.log.end(), at_.value);
      if (next == world_.log.end()) {
        if (world_.idle_end > at_.value) batch->add(idle());
        break;
      }
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
  model::Event idle() {
    model::Event event;
    event.end = at_ = model::Lsn{world_.idle_end};
    return event;
  }

  StreamWorld& world_;
  model::Lsn at_;
  int step_ = 0;  // inside a transaction
  const std::shared_ptr<const model::LogTable> table_ =
      std::make_shared<const model::LogTable>(model::LogTable{1, {"public", "t"}, {}, {}});
};

class FakeApplier : public Applier {
 public:
  explicit FakeApplier(StreamWorld& world) : world_(world) {
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
      if (event.kind == Kind::idle) given_ = std::max(given_, event.end);
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
    world_.check_commit();
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
      if (world_.hold) world_.hold->state = State::gone;
    }
    return world_.fault();
  }

  StreamWorld& world_;
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

}  // namespace

void StreamWorld::check_commit() {
  if (!hold || !checks_every_commit) return;
  const State state = hold->state;
  if ((state == State::standing || state == State::reached) && in_target != hold->then)
    complaints.push_back("committed while the stream stood still");
  for (const std::uint64_t end : in_target)
    if (state == State::cut && end - 1 >= hold->cut.value) complaints.push_back("committed what lies behind the cut");
}

void StreamWorld::check_reached() {
  std::multiset<std::uint64_t> below;
  for (const std::uint64_t end : log)
    if (end - 1 < hold->cut.value) below.insert(end);
  if (in_target != below) complaints.push_back("the target does not hold exactly what lies below the cut");
  if (ledger < hold->cut) complaints.push_back("the ledger does not say that the cut is reached");
}

Result<std::optional<HoldRequest>> FakeHolds::wanted(const Until&) {
  const std::lock_guard lock(world_.mutex);
  if (world_.strikes()) return world_.fault();
  if (!world_.hold) return std::optional<HoldRequest>{};
  FakeHold& hold = *world_.hold;
  const bool is_half_done = hold.state == State::standing || hold.state == State::cut || hold.state == State::reached ||
                            hold.state == State::released;
  if (is_half_done) hold.state = State::expired;
  if (hold.state != State::asked) return std::optional<HoldRequest>{};
  return std::optional(HoldRequest{std::to_string(hold.asker), hold.limit});
}

Result<bool> FakeHolds::move(const HoldRequest& request, State from, State to, model::Lsn applied) {
  const std::lock_guard lock(world_.mutex);
  if (world_.strikes()) return world_.fault();
  if (!world_.hold || std::to_string(world_.hold->asker) != request.asker || world_.hold->state != from) return false;
  world_.hold->state = to;
  world_.hold->applied = applied;
  world_.hold->then = world_.in_target;
  return true;
}

Result<bool> FakeHolds::stand(const HoldRequest& request, model::Lsn applied, const Until&) {
  {
    const std::lock_guard lock(world_.mutex);
    if (world_.ledger != applied) world_.complaints.push_back("stands where not all is committed that was given");
  }
  return move(request, State::asked, State::standing, applied);
}

Result<bool> FakeHolds::reach(const HoldRequest& request, model::Lsn applied, Stood, const Until&) {
  return move(request, State::cut, State::reached, applied);
}

Result<HoldWord> FakeHolds::hear(const HoldRequest& request, const Until&) {
  const std::lock_guard lock(world_.mutex);
  if (world_.strikes()) return world_.fault();
  if (!world_.hold || std::to_string(world_.hold->asker) != request.asker) return HoldWord{HoldWord::Kind::gone};
  const FakeHold& hold = *world_.hold;
  if (hold.state == State::cut) return HoldWord{HoldWord::Kind::cut, hold.cut};
  const bool is_waiting = hold.state == State::standing || hold.state == State::reached;
  return HoldWord{is_waiting ? HoldWord::Kind::none : HoldWord::Kind::gone};
}

Result<void> FakeHolds::end(const HoldRequest& request, HoldEnd how, Stood, const Until&) {
  const std::lock_guard lock(world_.mutex);
  if (world_.strikes()) return world_.fault();
  if (!world_.hold || std::to_string(world_.hold->asker) != request.asker) return {};
  world_.hold->state = how == HoldEnd::released && world_.hold->state == State::released ? State::done : State::expired;
  return {};
}

std::unique_ptr<Applier> FakeEnds::make_applier() {
  return std::make_unique<FakeApplier>(world_);
}

std::unique_ptr<ChangeStream> FakeEnds::make_stream(model::Lsn applied) {
  return std::make_unique<FakeStream>(world_, applied);
}

std::unique_ptr<RecopyEnds> FakeEnds::recopy_ends() {
  return std::make_unique<NoRecopies>();
}

}  // namespace tributary::pipeline::testing
