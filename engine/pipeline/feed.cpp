#include "engine/pipeline/feed.h"

#include <algorithm>
#include <span>
#include <utility>

namespace tributary::pipeline {
namespace {

// The events up to the last at which a group may end, and those behind it. A batch seldom ends where a transaction
// does: a group that could end with a batch alone might grow as long as there is more to come.
std::pair<model::Events, model::Events> split_at_last_end(const model::Batch& batch) {
  const std::span<const model::Event> all = batch.events();
  std::size_t ended = all.size();
  using Kind = model::Event::Kind;
  while (ended > 0 && all[ended - 1].kind != Kind::commit && all[ended - 1].kind != Kind::idle) --ended;
  const std::size_t bytes = all.empty() ? 0 : batch.bytes() / all.size() * ended;
  return {{all.first(ended), bytes}, {all.subspan(ended), batch.bytes() - bytes}};
}

}  // namespace

Feed::Feed(Applier& applier, ChangeStream& stream, StreamMeter* meter, const Pace::Limits& limits)
    : applier_(applier),
      stream_(stream),
      meter_(meter),
      pace_(limits, applier.position().applied, SteadyClock::now()) {}

Result<bool> Feed::turn(const Until& until, Milliseconds at_most) {
  if (until.stop.stop_requested()) return false;
  if (begun_) {
    const Part part = std::move(*begun_);
    begun_.reset();
    TRY(give(part, until));
    return true;
  }
  auto next = stream_.next(std::min(at_most, pace_.patience(SteadyClock::now())), until);
  if (!next && next.error().fault == Fault::cancelled) return false;
  const std::shared_ptr<const model::Batch> batch = TRY(std::move(next));
  const auto [ended, begun] = split_at_last_end(*batch);
  if (!ended.empty() && !begun.empty()) begun_.emplace(Part{batch, begun});
  TRY(give({batch, ended.empty() ? begun : ended}, until));
  return true;
}

Result<void> Feed::give(const Part& part, const Until& until) {
  pace_.reached(stream_.reach());
  if (!part.events.empty()) {
    settled_ = false;
    kept_.push_back(part.batch);
    TRY(applier_.apply(part.events, pace_.mode(), until));
    if (!applier_.keeps()) kept_.clear();
  }
  pace_.took(part.events, SteadyClock::now());
  const Pace::Commit due = pace_.due(SteadyClock::now());
  return due == Pace::Commit::none ? Result<void>{} : commit(due, until);
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
  kept_.clear();
  settled_ = true;
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
