#include "engine/pipeline/follow.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/feed.h"

namespace tributary::pipeline {
namespace {

// What a stop leaves for the last commit.
constexpr Milliseconds last_words{10'000};
constexpr Seconds sequences_every{60};
constexpr Seconds look_every{10};

// One stream, and what is to be done beside it now and then.
class Run {
 public:
  Run(StreamEnds& ends, Applier& applier, ChangeStream& stream, StreamMeter& meter, const Pace::Limits& limits)
      : ends_(ends), stream_(stream), meter_(meter), feed_(applier, stream, &meter, limits) {}

  // Until stopped, which is success, or an Error.
  Result<void> run(const Until& until) {
    while (TRY(feed_.turn(until))) {
      TRY(tend(until));
      meter_.reached(stream_.reach(), std::chrono::system_clock::now());
    }
    return finish();
  }

 private:
  Result<void> tend(const Until& until);
  Result<void> finish();

  StreamEnds& ends_;
  ChangeStream& stream_;
  StreamMeter& meter_;
  Feed feed_;
  Deadline look_due_ = Deadline::after(Milliseconds{0});
  Deadline sequences_due_ = Deadline::after(sequences_every);
};

Result<void> Run::tend(const Until& until) {
  if (look_due_.passed()) {
    const SlotHealth health = TRY(ends_.look_at_slot(until));
    feed_.source_ends_at(health.source_end);
    meter_.looked(health, api::StreamState::following);
    look_due_ = Deadline::after(look_every);
  }
  if (feed_.is_settled() && sequences_due_.passed()) {
    TRY(ends_.carry_sequences(until));
    sequences_due_ = Deadline::after(sequences_every);
  }
  if (feed_.is_settled() && TRY(ends_.look_at_tables(feed_.given(), until)))
    return Error{Fault::differs, "the tables of the source have changed"};
  return {};
}

// A transaction that has not ended is left to the next engine, which gets it whole.
Result<void> Run::finish() {
  const Until until{Deadline::after(last_words), {}};
  if (!TRY(feed_.settle(until))) return {};
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
    log::warn("table set aside", {{"table", model::display(stopped->table)}, {"reason", stopped->reason}});
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
    if (error.fault == Fault::differs) continue;  // with other tables, from the ledger's position
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
