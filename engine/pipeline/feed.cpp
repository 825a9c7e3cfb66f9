#include "engine/pipeline/feed.h"

#include <algorithm>
#include <span>
#include <utility>

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;
using Split = std::pair<model::Events, model::Events>;

Split split_before(const model::Events& all, std::size_t index) {
  const std::span<const model::Event> events(all.begin(), all.end());
  const std::size_t bytes = events.empty() ? 0 : all.bytes() / events.size() * index;
  return {{events.first(index), bytes}, {events.subspan(index), all.bytes() - bytes}};
}

// The events up to the last at which a group may end, and those behind it. A batch seldom ends where a transaction
// does: a group that could end with a batch alone might grow as long as there is more to come.
Split split_at_last_end(const model::Batch& batch) {
  const std::vector<model::Event>& all = batch.events();
  std::size_t ended = all.size();
  while (ended > 0 && all[ended - 1].kind != Kind::commit && all[ended - 1].kind != Kind::idle) --ended;
  return split_before(batch, ended);
}

bool lies_behind(const model::Event& event, model::Lsn cut) {
  if (event.kind == Kind::begin) return event.lsn >= cut;
  return event.kind == Kind::idle && event.end >= cut;
}

// Transactions come in the order of their commits, so all that lie below a cut have come when the first does that lies
// behind it, or when nothing more comes up to there.
Split split_at_cut(const model::Events& all, model::Lsn cut) {
  const auto behind =
      std::find_if(all.begin(), all.end(), [&](const model::Event& event) { return lies_behind(event, cut); });
  return split_before(all, static_cast<std::size_t>(behind - all.begin()));
}

std::shared_ptr<const model::Batch> nothing_up_to(model::Lsn cut) {
  auto batch = std::make_shared<model::Batch>();
  model::Event idle;
  idle.end = cut;
  batch->add(idle);
  return batch;
}

}  // namespace

Feed::Feed(Applier& applier, ChangeStream& stream, StreamMeter* meter, const Pace::Limits& limits)
    : applier_(applier),
      stream_(stream),
      meter_(meter),
      pace_(limits, applier.position().applied, SteadyClock::now()) {}

Result<bool> Feed::turn(const Until& until, Milliseconds at_most) {
  if (until.stop.stop_requested()) return false;
  if (waiting_.empty() && !TRY(take_next(until, at_most))) return false;
  Part part = std::move(waiting_.front());
  waiting_.pop_front();
  TRY(give(cut_ ? below_cut(std::move(part)) : part, until));
  return true;
}

Result<bool> Feed::take_next(const Until& until, Milliseconds at_most) {
  auto next = stream_.next(std::min(at_most, pace_.patience(SteadyClock::now())), until);
  if (!next && next.error().fault == Fault::cancelled) return false;
  const std::shared_ptr<const model::Batch> batch = TRY(std::move(next));
  const auto [ended, begun] = split_at_last_end(*batch);
  if (!ended.empty() || begun.empty()) waiting_.push_back({batch, ended});
  if (!begun.empty()) waiting_.push_back({batch, begun});
  return true;
}

Feed::Part Feed::below_cut(Part part) {
  const auto [below, behind] = split_at_cut(part.events, *cut_);
  if (behind.empty()) return part;
  waiting_.push_front({part.batch, behind});
  if (!below.empty()) return {part.batch, below};
  const auto nothing = nothing_up_to(*cut_);
  return {nothing, *nothing};
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

Result<bool> Feed::settle(const Until& until, Pace::Commit how) {
  if (!pace_.between_transactions()) return false;
  if (how != Pace::Commit::durable || pace_.durable() < pace_.given()) TRY(commit(how, until));
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
