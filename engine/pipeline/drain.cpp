#include "engine/pipeline/drain.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/pipeline/feed.h"

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;

// A batch without its end; the events lie in the whole one.
struct Cut {
  std::shared_ptr<const model::Batch> whole;
  model::Batch batch;
};

bool lies_behind(const model::Event& event, model::Lsn goal) {
  if (event.kind == Kind::begin) return event.lsn >= goal;
  return event.kind == Kind::idle && event.end >= goal;
}

// A stream that ends at a position: transactions come in the order of their commits, so all that lie below the position
// have come when the first does that lies above, or when nothing more comes up to there.
class BoundedStream final : public ChangeStream {
 public:
  BoundedStream(ChangeStream& stream, model::Lsn goal) : stream_(stream), goal_(goal) {}

  Result<std::shared_ptr<const model::Batch>> next(Milliseconds wait, const Until& until) override {
    if (ended_) return std::make_shared<const model::Batch>();
    const std::shared_ptr<const model::Batch> batch = TRY(stream_.next(wait, until));
    const auto& events = batch->events();
    const auto end = std::find_if(events.begin(), events.end(),
                                  [&](const model::Event& event) { return lies_behind(event, goal_); });
    if (end == events.end()) return batch;
    ended_ = true;
    const auto cut = std::make_shared<Cut>();
    cut->whole = batch;
    for (auto event = events.begin(); event != end; ++event) cut->batch.add(*event);
    model::Event last;
    last.kind = Kind::idle;
    last.end = goal_;
    cut->batch.add(last);
    return std::shared_ptr<const model::Batch>(cut, &cut->batch);
  }
  void confirm(model::Lsn durable) override { stream_.confirm(durable); }
  Reach reach() const override { return stream_.reach(); }

 private:
  ChangeStream& stream_;
  const model::Lsn goal_;
  bool ended_ = false;
};

Result<void> run(Applier& applier, ChangeStream& stream, model::Lsn goal, ProgressBoard& board, StreamMeter& meter,
                 const Until& until) {
  BoundedStream bounded(stream, goal);
  Feed feed(applier, bounded, &meter, {});
  model::Lsn received;
  while (feed.given() < goal || !TRY(feed.settle(until))) {
    if (!TRY(feed.turn(until)))
      return Error{Fault::cancelled, "stopped before the stream had reached " + to_string(goal)};
    const Reach reach = stream.reach();
    meter.reached(reach, std::chrono::system_clock::now());
    if (std::exchange(received, reach.received) != reach.received) board.moved();
  }
  return {};
}

Error for_another_attempt(const Error& error) {
  return {Fault::transient, "following the source while tables are copied: " + error.what, error.hint};
}

}  // namespace

Result<void> drain(DrainEnds& ends, std::int64_t epoch, model::Lsn goal, ProgressBoard& board, StreamMeter& meter,
                   const Until& until) {
  const Result<std::unique_ptr<Applier>> applier = ends.applier(epoch, until);
  if (!applier && applier.error().fault == Fault::lost) return for_another_attempt(applier.error());
  if (!applier) return applier.error();
  meter.opened((*applier)->position());
  const Result<std::unique_ptr<ChangeStream>> stream = ends.stream((*applier)->position().applied, until);
  if (!stream && stream.error().fault == Fault::lost) return for_another_attempt(stream.error());
  if (!stream) return stream.error();
  const Result<void> ran = run(**applier, **stream, goal, board, meter, until);
  if (ran) return {};
  if (const auto& stopped = (*applier)->stopped()) {
    log::warn("table is copied again", {{"table", model::display(stopped->table)}, {"reason", stopped->reason}});
    TRY((*applier)->stop(*stopped, until));
  }
  const Fault fault = ran.error().fault;
  return fault == Fault::differs || fault == Fault::lost ? for_another_attempt(ran.error()) : ran;
}

}  // namespace tributary::pipeline
