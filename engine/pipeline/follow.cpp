#include "engine/pipeline/follow.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/feed.h"
#include "engine/pipeline/standstill.h"

namespace tributary::pipeline {
namespace {

// What a stop leaves for the last commit.
constexpr Milliseconds last_words{10'000};
constexpr Seconds look_every{10};
constexpr Seconds answer_limit{20};
constexpr Milliseconds tend_every{1'000};
constexpr Seconds sequences_again{5};  // where they could not be carried

enum class Next {
  end,    // it was asked for
  again,  // another stream, with the list of tables as it is now
};

// At a stop. What the source has made by now and nobody has copied yet is in the ledger then, for whoever asks whether
// all is there. It may make sequences.
Result<void> look_once_more(StreamEnds& ends, model::Lsn applied, const Until& until) {
  const Result<bool> looked = ends.look_at_tables(applied, StreamEnds::Look::now, until);
  TRY(ends.carry_sequences(until));
  return looked ? Result<void>() : looked.error();
}

// One stream, and what is to be done beside it now and then. What is due outlives it: it may be opened anew often.
class Run {
 public:
  Run(StreamEnds& ends, Applier& applier, ChangeStream& stream, Crossing& crossing, StreamMeter& meter,
      const Pace::Limits& limits, Deadline& sequences_due)
      : ends_(ends),
        stream_(stream),
        crossing_(crossing),
        meter_(meter),
        feed_(applier, stream, &meter, limits),
        standstill_(ends.holds(), feed_, limits.holds_every),
        sequences_every_(limits.sequences_every),
        sequences_due_(sequences_due) {}

  // Until stopped, or until a recopy has met it.
  Result<Next> run(const Until& until) {
    while (TRY(feed_.turn(until, std::min(tend_every, standstill_.patience())))) {
      const Result<void> tended = tend(until);
      if (!tended && tended.error().fault == Fault::cancelled) break;
      if (!tended) return tended.error();
      meter_.reached(stream_.reach(), std::chrono::system_clock::now());
      crossing_.reached(feed_.given());
      if (!crossing_.wanted() || !TRY(feed_.settle(until))) continue;
      if (crossing_.stand(feed_.given(), until.stop)) return Next::again;
    }
    TRY(finish());
    return Next::end;
  }

 private:
  Result<void> tend(const Until& until);
  Result<void> carry_sequences(const Until& until);
  Result<void> finish();

  StreamEnds& ends_;
  ChangeStream& stream_;
  Crossing& crossing_;
  StreamMeter& meter_;
  Feed feed_;
  Standstill standstill_;
  Deadline look_due_ = Deadline::after(Milliseconds{0});
  const Milliseconds sequences_every_;
  Deadline& sequences_due_;
};

Result<void> Run::tend(const Until& until) {
  // Whoever compares both ends compares sequences too.
  if (TRY(standstill_.tend(until))) sequences_due_ = Deadline::after(Milliseconds{0});
  if (look_due_.passed()) {
    const SlotHealth health = TRY(ends_.look_at_slot(until));
    feed_.source_ends_at(health.source_end);
    meter_.stands(TRY(ends_.look_at_ledger(until)), std::chrono::system_clock::now());
    meter_.looked(health, api::StreamState::following);
    look_due_ = Deadline::after(look_every);
  }
  if (sequences_due_.passed() && TRY(feed_.settle(until))) TRY(carry_sequences(until));
  if (feed_.is_settled() && TRY(ends_.look_at_tables(feed_.given(), StreamEnds::Look::when_due, until)))
    return Error{Fault::differs, "the tables of the source have changed"};
  return {};
}

// Whoever holds a sequence for a moment does not end the stream.
Result<void> Run::carry_sequences(const Until& until) {
  const Result<void> carried = ends_.carry_sequences(until);
  if (!carried && carried.error().fault != Fault::transient) return carried;
  if (!carried) log::warn("retrying to carry sequences", {{"error", describe(carried.error())}});
  sequences_due_ = Deadline::after(carried ? sequences_every_ : sequences_again);
  return {};
}

// A transaction that has not ended is left to the next engine, which gets it whole.
Result<void> Run::finish() {
  const Until until{Deadline::after(last_words), {}};
  const Result<void> given_up = standstill_.give_up(until);
  if (!TRY(feed_.settle(until))) return given_up;
  TRY(given_up);
  return look_once_more(ends_, feed_.given(), until);
}

// What one try came to.
struct Outcome {
  Result<Next> ended;
  bool moved = false;  // the ledger's position
};

// Tables are copied again on a thread of their own, which lives as long as the applier.
class Recopying {
 public:
  Recopying(std::unique_ptr<RecopyEnds> ends, StreamMeter& meter, const RecopyLimits& limits)
      : ends_(std::move(ends)), thread_([this, &meter, limits](const std::stop_token& stop) {
          recopy(*ends_, crossing_, meter, {Deadline::never(), stop}, limits);
        }) {}

  Crossing& crossing() { return crossing_; }

 private:
  const std::unique_ptr<RecopyEnds> ends_;
  Crossing crossing_;
  std::jthread thread_;
};

// The applier outlives streams, and with it what is copied again beside them.
class Follower {
 public:
  Follower(StreamEnds& ends, StreamMeter& meter, const Pace::Limits& limits, const RecopyLimits& recopies)
      : ends_(ends),
        meter_(meter),
        limits_(limits),
        recopies_(recopies),
        sequences_due_(Deadline::after(limits.sequences_every)) {}

  Outcome follow_once(const Until& until);
  // After a stop.
  void finish();

 private:
  Result<void> take_over(const Until& until);
  void let_go();
  Result<void> read_tables_anew(const Until& until);

  StreamEnds& ends_;
  StreamMeter& meter_;
  const Pace::Limits limits_;
  const RecopyLimits recopies_;
  Deadline sequences_due_;
  std::unique_ptr<Applier> applier_;
  std::unique_ptr<Recopying> recopying_;
  bool is_claimed_ = false;   // by the last that was asked of the ends
  bool is_finished_ = false;  // by the stream that was stopped
  model::Lsn applied_;
};

Outcome Follower::follow_once(const Until& until) {
  if (!applier_) {
    const Result<void> taken = take_over(until);
    if (!taken) return {taken.error()};
  }
  const model::Lsn began = applied_ = applier_->position().applied;
  meter_.opened(applier_->position());
  recopying_->crossing().reached(began);
  Result<std::unique_ptr<ChangeStream>> stream = ends_.stream(applier_->position(), until);
  if (!stream) {
    let_go();
    return {stream.error()};
  }
  const Listening listening(meter_, **stream);
  Run run(ends_, *applier_, **stream, recopying_->crossing(), meter_, limits_, sequences_due_);
  Outcome outcome{run.run(until)};
  applied_ = applier_->position().applied;
  outcome.moved = applied_ > began;
  is_finished_ = outcome.ended && *outcome.ended == Next::end;
  // A fault that is none of the applier's leaves it as it is.
  const bool goes_on = applier_->usable() && !is_finished_;
  const Result<void> looked = goes_on ? read_tables_anew(until) : Result<void>{};
  if (!looked) outcome.ended = looked.error();
  if (!looked || !goes_on) let_go();
  return outcome;
}

Result<void> Follower::take_over(const Until& until) {
  is_claimed_ = false;
  applier_ = TRY(ends_.applier(until));
  is_claimed_ = true;
  recopying_ = std::make_unique<Recopying>(ends_.recopy_ends(), meter_, recopies_);
  return {};
}

void Follower::let_go() {
  recopying_.reset();
  applier_.reset();
}

// The stop may have come while the stream was opened anew.
void Follower::finish() {
  let_go();
  if (!is_claimed_ || is_finished_) return;
  const Result<void> looked = look_once_more(ends_, applied_, {Deadline::after(last_words), {}});
  if (!looked) log::warn("not finished at the stop", {{"error", describe(looked.error())}});
}

// What was set aside is recorded, and what has changed hands since is read.
Result<void> Follower::read_tables_anew(const Until& until) {
  if (const auto stopped = applier_->stopped()) {
    log::warn("table set aside", {{"table", model::display(stopped->table)}, {"reason", stopped->reason}});
    TRY(applier_->stop(*stopped, until));
  }
  return applier_->reload(until);
}

// Whoever fences this one off has a word of its own.
Result<void> recorded(StreamEnds& ends, const Result<void>& ended) {
  if (ended || ended.error().fault == Fault::fenced) return ended;
  const Result<void> kept = contain([&] { return ends.record_end(ended.error(), {Deadline::after(last_words), {}}); });
  if (!kept) log::warn("the ledger was not told why the stream has ended", {{"error", describe(kept.error())}});
  return ended;
}

Outcome hold_once(StreamEnds& ends, StreamMeter& meter, const Until& until) {
  Result<std::unique_ptr<Applier>> applier = ends.applier(until);
  if (!applier) return {applier.error()};
  meter.opened((*applier)->position());
  bool moved = false;
  while (true) {
    const Result<SlotHealth> health = ends.look_at_slot(until);
    if (!health) return {health.error(), moved};
    const Result<TableStanding> tables = ends.look_at_ledger(until);
    if (!tables) return {tables.error(), moved};
    moved = true;
    meter.stands(*tables, std::chrono::system_clock::now());
    meter.looked(*health, api::StreamState::holding);
    meter.reached({{}, health->source_end, {}}, std::chrono::system_clock::now());
    if (!pause_for(look_every, until.stop)) return {Next::end, moved};
  }
}

// The target may be away for days, and the source keeps its log meanwhile.
void measure(StreamEnds& ends, StreamMeter& meter, const Until& until) {
  const Result<SlotHealth> health = contain([&] { return ends.look_at_slot_alone(until.within(answer_limit)); });
  if (health) meter.measured(*health);
}

// Begins again after every fault that may pass.
template <class Try>
Result<void> keep_at(Try&& once, StreamEnds& ends, StreamMeter& meter, const Until& until,
                     const Backoff::Limits& pauses) {
  Backoff backoff{pauses};
  while (true) {
    const Outcome outcome = once();
    if (outcome.ended && *outcome.ended == Next::end) return {};
    if (outcome.ended) continue;
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
    measure(ends, meter, until);
    if (!pause_for(pause, until.stop)) return {};
  }
}

}  // namespace

Result<void> follow(StreamEnds& ends, StreamMeter& meter, const Until& until, const Pace::Limits& limits,
                    const Backoff::Limits& pauses, const RecopyLimits& recopies) {
  Result<void> ended;
  {
    Follower follower(ends, meter, limits, recopies);
    ended = keep_at([&] { return follower.follow_once(until); }, ends, meter, until, pauses);
    if (ended) follower.finish();
  }
  return recorded(ends, ended);
}

Result<void> hold(StreamEnds& ends, StreamMeter& meter, const Until& until, const Backoff::Limits& pauses) {
  return recorded(ends, keep_at([&] { return hold_once(ends, meter, until); }, ends, meter, until, pauses));
}

}  // namespace tributary::pipeline
