#include "engine/pipeline/testing/fake_drain.h"

#include <algorithm>
#include <optional>

namespace tributary::pipeline::testing {
namespace {

// All transactions up to the source's end: one for each position.
class FakeChanges : public ChangeStream {
 public:
  FakeChanges(World& world, std::string database, model::Lsn applied)
      : world_(world), database_(std::move(database)), given_(applied) {}

  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until& until) override {
    return world_.calls.run("changes.next", until, [&]() -> Result<std::shared_ptr<const model::Batch>> {
      const std::lock_guard lock(world_.mutex);
      const auto batch = std::make_shared<model::Batch>();
      if (given_ < world_.source.at(database_).position) {
        given_.value += 0x1000;
        model::Event event;
        event.kind = model::Event::Kind::begin;
        event.lsn = model::Lsn{given_.value - 1};
        batch->add(event);
        event.kind = model::Event::Kind::commit;
        event.end = given_;
        batch->add(event);
      }
      return std::shared_ptr<const model::Batch>(batch);
    });
  }
  void confirm(model::Lsn durable) override {
    const std::lock_guard lock(world_.mutex);
    SourceDatabase& database = world_.source.at(database_);
    database.confirmed = std::max(database.confirmed, durable);
  }
  Reach reach() const override { return {}; }

 private:
  World& world_;
  const std::string database_;
  model::Lsn given_;
};

class FakeApplier : public Applier {
 public:
  FakeApplier(World& world, std::string database, std::int64_t epoch)
      : world_(world), database_(std::move(database)), epoch_(epoch), applied_(data().applied), connected_(world) {}

  StreamPosition position() const override { return {applied_, {}}; }

  Result<void> apply(const model::Events& events, ApplyMode, const Until& until) override {
    const Result<void> applied = world_.calls.run("applier.apply", until, [&]() -> Result<void> {
      for (const model::Event& event : events) reached_ = std::max(reached_, event.end);
      return {};
    });
    if (!applied && applied.error().fault == Fault::differs)
      stopped_ = StoppedTable{{"public", "orders"}, applied.error().what};
    return applied;
  }

  bool keeps() const override { return false; }
  Result<void> commit(bool, const Until& until) override {
    return world_.calls.run("applier.commit", until, [&]() -> Result<void> {
      const std::lock_guard lock(world_.mutex);
      TRY(fence());
      const auto view = world_.views.find(reached_);
      if (view == world_.views.end()) return Error{Fault::failed, "nobody has seen " + to_string(reached_)};
      for (const SourceTable& each : view->second.tables) {
        const auto followed = data().followed.find(each.table.name);
        if (followed == data().followed.end() || followed->second >= reached_) continue;
        data().rows[each.table.name] = {each.rows.begin(), each.rows.end()};
      }
      data().applied = applied_ = reached_;
      return {};
    });
  }

  const std::optional<StoppedTable>& stopped() const override { return stopped_; }
  Result<void> stop(const StoppedTable& table, const Until& until) override {
    return world_.calls.run("applier.stop", until, [&]() -> Result<void> {
      const std::lock_guard lock(world_.mutex);
      TRY(fence());
      data().followed.erase(table.table);
      return {};
    });
  }
  Result<void> reload(const Until&) override { return {}; }
  bool usable() const override { return true; }

 private:
  TargetDatabase& data() const { return world_.target[database_]; }
  Result<void> fence() const {
    if (data().epoch == epoch_) return {};
    return Error{Fault::fenced, "another engine owns this replication by now"};
  }

  World& world_;
  const std::string database_;
  const std::int64_t epoch_;
  model::Lsn applied_;
  model::Lsn reached_;
  std::optional<StoppedTable> stopped_;
  const Connected connected_;
};

class FakeDrain : public DrainEnds {
 public:
  FakeDrain(World& world, DatabasePair databases) : world_(world), databases_(std::move(databases)) {}

  Result<std::unique_ptr<Applier>> applier(std::int64_t epoch, const Until& until) override {
    return world_.calls.run("drain.applier", until, [&]() -> Result<std::unique_ptr<Applier>> {
      return std::unique_ptr<Applier>(std::make_unique<FakeApplier>(world_, databases_.target, epoch));
    });
  }
  Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition& position, const Until& until) override {
    return world_.calls.run("drain.stream", until, [&]() -> Result<std::unique_ptr<ChangeStream>> {
      return std::unique_ptr<ChangeStream>(std::make_unique<FakeChanges>(world_, databases_.source, position.applied));
    });
  }
  // From a thread beside the copy: it has no place in the order of calls.
  Result<SlotHealth> look_at_slot(const Until&) override { return world_.slot_health(databases_.source); }

 private:
  World& world_;
  const DatabasePair databases_;
};

}  // namespace

std::unique_ptr<DrainEnds> open_fake_drain(World& world, const DatabasePair& databases) {
  return std::make_unique<FakeDrain>(world, databases);
}

}  // namespace tributary::pipeline::testing
