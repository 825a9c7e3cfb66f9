#include "engine/pipeline/feed.h"

#include <utility>

namespace tributary::pipeline {

Feed::Feed(Applier& applier, ChangeStream& stream, StreamMeter* meter, const Pace::Limits& limits)
    : applier_(applier),
      stream_(stream),
      meter_(meter),
      pace_(limits, applier.position().applied, SteadyClock::now()) {}

Result<bool> Feed::turn(const Until& until) {
  if (until.stop.stop_requested()) return false;
  auto next = stream_.next(pace_.patience(SteadyClock::now()), until);
  if (!next && next.error().fault == Fault::cancelled) return false;
  const std::shared_ptr<const model::Batch> batch = TRY(std::move(next));
  pace_.reached(stream_.reach());
  if (!batch->empty()) {
    TRY(applier_.apply(*batch, pace_.mode(), until));
    group_.push_back(batch);
  }
  pace_.took(*batch, SteadyClock::now());
  const Pace::Commit due = pace_.due(SteadyClock::now());
  if (due != Pace::Commit::none) TRY(commit(due, until));
  return true;
}

Result<bool> Feed::settle(const Until& until) {
  if (!pace_.between_transactions()) return false;
  if (pace_.durable() < pace_.given()) TRY(commit(Pace::Commit::durable, until));
  return true;
}

Result<void> Feed::commit(Pace::Commit how, const Until& until) {
  TRY(applier_.commit(how == Pace::Commit::durable, until));
  if (meter_ != nullptr) meter_->committed(applier_.position(), pace_.transactions(), pace_.changes());
  pace_.committed(how, SteadyClock::now());
  if (how == Pace::Commit::durable) stream_.confirm(pace_.durable());
  group_.clear();
  return {};
}

Result<void> Feed::reach(model::Lsn goal, const Until& until) {
  while (given() < goal || !TRY(settle(until))) {
    if (!TRY(turn(until))) return Error{Fault::cancelled, "stopped before the stream had reached " + to_string(goal)};
  }
  return {};
}

Result<void> catch_up(Applier& applier, ChangeStream& stream, model::Lsn goal, const Until& until,
                      const Pace::Limits& limits) {
  return Feed(applier, stream, nullptr, limits).reach(goal, until);
}

}  // namespace tributary::pipeline
