#include "engine/pipeline/follow.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

// What a stop leaves for the last commit.
constexpr Milliseconds last_words{10'000};
constexpr Seconds sequences_every{60};
constexpr Seconds look_every{10};

// One stream from its opening to its end, with the applier it feeds.
class Run {
 public:
  Run(StreamEnds& ends, Applier& applier, ChangeStream& stream, StreamMeter& meter, const Pace::Limits& limits)
      : ends_(ends),
        applier_(applier),
        stream_(stream),
        meter_(meter),
        pace_(limits, applier.position().applied, SteadyClock::now()) {}

  // Until stopped, which is success, or an Error.
  Result<void> run(const Until& until) {
    while (TRY(turn(until))) continue;
    return finish();
  }

 private:
  // False when a stop was asked for while nothing was under way.
  Result<bool> turn(const Until& until);
  Result<void> commit(Pace::Commit how, const Until& until);
  Result<void> tend(const Until& until);
  Result<void> finish();

  StreamEnds& ends_;
  Applier& applier_;
  ChangeStream& stream_;
  StreamMeter& meter_;
  Pace pace_;
  Deadline look_due_ = Deadline::after(Milliseconds{0});
  Deadline sequences_due_ = Deadline::after(sequences_every);
  std::vector<std::shared_ptr<const model::Batch>> group_;  // given to the applier since its last commit
};

Result<bool> Run::turn(const Until& until) {
  if (until.stop.stop_requested()) return false;
  auto next = stream_.next(pace_.patience(SteadyClock::now()), until);
  if (!next && next.error().fault == Fault::cancelled) return false;
  const std::shared_ptr<const model::Batch> batch = TRY(std::move(next));
  const Reach reach = stream_.reach();
  pace_.reached(reach);
  if (!batch->empty()) {
    TRY(applier_.apply(*batch, pace_.mode(), until));
    group_.push_back(batch);
  }
  pace_.took(*batch, SteadyClock::now());
  const Pace::Commit due = pace_.due(SteadyClock::now());
  if (due != Pace::Commit::none) TRY(commit(due, until));
  TRY(tend(until));
  meter_.reached(reach, std::chrono::system_clock::now());
  return true;
}

// What is to be done beside the stream now and then.
Result<void> Run::tend(const Until& until) {
  if (look_due_.passed()) {
    const SlotHealth health = TRY(ends_.look_at_slot(until));
    pace_.reached({{}, health.source_end, {}});
    meter_.looked(health, api::StreamState::following);
    look_due_ = Deadline::after(look_every);
  }
  if (group_.empty() && sequences_due_.passed()) {
    TRY(ends_.carry_sequences(until));
    sequences_due_ = Deadline::after(sequences_every);
  }
  return {};
}

Result<void> Run::commit(Pace::Commit how, const Until& until) {
  TRY(applier_.commit(how == Pace::Commit::durable, until));
  meter_.committed(applier_.position(), pace_.transactions(), pace_.changes());
  pace_.committed(how, SteadyClock::now());
  if (how == Pace::Commit::durable) stream_.confirm(pace_.durable());
  group_.clear();
  return {};
}

// A transaction that has not ended is left to the next engine, which gets it whole.
Result<void> Run::finish() {
  const Until until{Deadline::after(last_words), {}};
  if (!pace_.between_transactions()) return {};
  if (pace_.durable() < pace_.given()) TRY(commit(Pace::Commit::durable, until));
  return ends_.carry_sequences(until);
}

// What one try came to.
struct Outcome {
  Result<void> ended;
  bool moved = false;  // the ledger's position
};

Outcome follow_once(StreamEnds& ends, StreamMeter& meter, const Until& until, const Pace::Limits& limits) {
  Result<std::unique_ptr<Applier>> applier = ends.applier(until);
  if (!applier) return {applier.error()};
  const model::Lsn began = (*applier)->position().applied;
  meter.opened((*applier)->position());
  Result<std::unique_ptr<ChangeStream>> stream = ends.stream(began, until);
  if (!stream) return {stream.error()};
  Result<void> ran = Run(ends, **applier, **stream, meter, limits).run(until);
  const bool moved = (*applier)->position().applied > began;
  if (const auto& stopped = (*applier)->stopped()) {
    log::warn("table stopped", {{"table", model::display(stopped->table)}, {"reason", stopped->reason}});
    const Result<void> recorded = (*applier)->stop(*stopped, until);
    if (!recorded) return {recorded, moved};
  }
  return {std::move(ran), moved};
}

Outcome hold_once(StreamEnds& ends, StreamMeter& meter, const Until& until) {
  Result<std::unique_ptr<Applier>> applier = ends.applier(until);
  if (!applier) return {applier.error()};
  meter.opened((*applier)->position());
  bool moved = false;
  while (true) {
    const Result<SlotHealth> health = ends.look_at_slot(until);
    if (!health) return {health.error(), moved};
    moved = true;
    meter.looked(*health, api::StreamState::holding);
    meter.reached({{}, health->source_end, {}}, std::chrono::system_clock::now());
    if (!pause_for(look_every, until.stop)) return {};
  }
}

// Begins again after every fault that may pass.
template <class Try>
Result<void> keep_at(Try&& once, StreamMeter& meter, const Until& until, const Backoff::Limits& pauses) {
  Backoff backoff{pauses};
  while (true) {
    const Outcome outcome = once();
    if (outcome.ended) return {};
    const Error& error = outcome.ended.error();
    // What was not committed before the stop is not lost: the next one gets it from the source.
    if (until.stop.stop_requested()) {
      if (error.fault != Fault::cancelled) log::warn("not finished at the stop", {{"error", describe(error)}});
      return {};
    }
    if (error.fault == Fault::differs) continue;  // without that table, from the ledger's position
    if (error.fault != Fault::transient) return error;
    if (outcome.moved) backoff.reset();
    const Milliseconds pause = backoff.next();
    meter.troubled(describe(error));
    log::warn("retrying the stream", {{"error", describe(error)}, {"after_ms", pause.count()}});
    if (!pause_for(pause, until.stop)) return {};
  }
}

}  // namespace

Result<void> follow(StreamEnds& ends, StreamMeter& meter, const Until& until, const Pace::Limits& limits,
                    const Backoff::Limits& pauses) {
  return keep_at([&] { return follow_once(ends, meter, until, limits); }, meter, until, pauses);
}

Result<void> hold(StreamEnds& ends, StreamMeter& meter, const Until& until, const Backoff::Limits& pauses) {
  return keep_at([&] { return hold_once(ends, meter, until); }, meter, until, pauses);
}

}  // namespace tributary::pipeline
