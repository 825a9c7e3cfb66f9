#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/pipeline/follow.h"

// Both ends of a stream without any server.
namespace tributary::pipeline::testing {

// The row of an asker in the ledger.
struct FakeHold {
  enum class State { asked, standing, cut, reached, released, done, expired, gone };
  int asker = 0;
  State state = State::asked;
  Milliseconds limit{100};
  model::Lsn cut = {};
  model::Lsn applied = {};                 // as the follower has said
  std::multiset<std::uint64_t> then = {};  // what was in the target when the follower had said so
};

// A source's log of transactions, one insert each, and a target that counts them. Faults come at drawn moments.
struct StreamWorld {
  std::mutex mutex;  // guards everything below
  std::mt19937_64 random;
  int faults_left = 0;
  std::vector<std::uint64_t> log;          // ends of transactions, whose commit records begin one before
  std::uint64_t idle_end = 0;              // the source says that nothing more comes up to here
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
  std::string last_end;  // why the stream has ended, as the ledger has it
  std::optional<FakeHold> hold;
  bool checks_every_commit = false;  // against `hold`; nothing else than the asker may make the stream go on then
  std::vector<std::string> complaints;

  bool strikes() {
    if (faults_left == 0 || random() % 5 != 0) return false;
    --faults_left;
    return true;
  }
  Error fault() { return {Fault::transient, "the server went away"}; }
  // With what an asker may see: nothing of it is missing or too much, whatever breaks.
  void check_reached();
  void check_commit();
};

class FakeHolds : public Holds {
 public:
  explicit FakeHolds(StreamWorld& world) : world_(world) {}
  Result<std::optional<HoldRequest>> wanted(const Until& until) override;
  Result<bool> stand(const HoldRequest& request, model::Lsn applied, const Until& until) override;
  Result<HoldWord> hear(const HoldRequest& request, const Until& until) override;
  Result<bool> reach(const HoldRequest& request, model::Lsn applied, Stood stood, const Until& until) override;
  Result<void> end(const HoldRequest& request, HoldEnd how, Stood stood, const Until& until) override;

 private:
  Result<bool> move(const HoldRequest& request, FakeHold::State from, FakeHold::State to, model::Lsn applied);
  StreamWorld& world_;
};

class FakeEnds : public StreamEnds {
 public:
  explicit FakeEnds(StreamWorld& world) : world_(world), holds_(world) {}
  Result<std::unique_ptr<Applier>> applier(const Until&) override {
    if (target_is_away_) return Error{Fault::transient, "the target is away"};
    if (next_) return *std::exchange(next_, {});
    return make_applier();
  }
  Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition& position, const Until&) override {
    const model::Lsn applied = position.applied;
    const std::lock_guard lock(world_.mutex);
    if (world_.strikes()) return world_.fault();
    if (applied < world_.confirmed) world_.complaints.push_back("asked for what the source may have forgotten");
    return make_stream(applied);
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
  Result<void> record_end(const Error& why, const Until&) override {
    const std::lock_guard lock(world_.mutex);
    world_.last_end = why.what;
    return {};
  }
  std::unique_ptr<RecopyEnds> recopy_ends() override;
  Holds& holds() override { return holds_; }
  std::optional<Error> next_;  // of applier()
  bool target_is_away_ = false;

 private:
  std::unique_ptr<Applier> make_applier();
  std::unique_ptr<ChangeStream> make_stream(model::Lsn applied);

  StreamWorld& world_;
  FakeHolds holds_;
  std::uint64_t alone_ = 1000;  // what the source keeps grows from look to look
};

}  // namespace tributary::pipeline::testing
