#include "engine/pipeline/drain.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/pipeline/feed.h"

namespace tributary::pipeline {
namespace {

Result<void> run(Applier& applier, ChangeStream& stream, model::Lsn goal, ProgressBoard& board, StreamMeter& meter,
                 const Until& until) {
  Feed feed(applier, stream, &meter, {});
  feed.cut_at(goal);
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
  const Result<std::unique_ptr<ChangeStream>> stream = ends.stream((*applier)->position(), until);
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
