#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"
#include "engine/pipeline/pace.h"
#include "engine/pipeline/stream_board.h"

namespace tributary::pipeline {

// One stream, from its opening to its end, and the applier that it feeds, in groups. Used by one thread; borrows what
// it is given. After an Error the stream and the open group are of no further use.
class Feed {
 public:
  // `meter` is told of every commit; it may be null.
  Feed(Applier& applier, ChangeStream& stream, StreamMeter* meter, const Pace::Limits& limits);

  // Gives the applier what the stream has next, which is waited for as long as nothing is due, or `at_most`, and
  // commits what is due. False where a stop was asked for while nothing was under way.
  Result<bool> turn(const Until& until, Milliseconds at_most = Milliseconds::max());
  // Commits what was given since the last commit; a durable one returns when it is on disk and confirmed. False, and
  // nothing is done, while the half of a transaction was given.
  Result<bool> settle(const Until& until, Pace::Commit how = Pace::Commit::durable);

  // Until lift_cut(), what was committed at or behind `cut` waits. When all that was committed below it was given,
  // which needs no more than the source's word that there is nothing left, given() is the cut.
  void cut_at(model::Lsn cut) { cut_ = cut; }
  void lift_cut() { cut_.reset(); }

  // Goes on until everything that ends at or below `goal` is in the target, on disk and confirmed. Fault::cancelled
  // where `until` stops it before.
  Result<void> reach(model::Lsn goal, const Until& until);

  // Of the last commit or idle event that was given.
  model::Lsn given() const { return pace_.given(); }
  // Nothing was given since the last commit.
  bool is_settled() const { return settled_; }
  // What the source says of its log beside the stream.
  void source_ends_at(model::Lsn end) { pace_.reached({{}, end, {}}); }

 private:
  // Of a batch, which is kept for as long as the applier may look at it.
  struct Part {
    std::shared_ptr<const model::Batch> batch;
    model::Events events;
  };
  // False where a stop was asked for.
  Result<bool> take_next(const Until& until, Milliseconds at_most);
  Part below_cut(Part part);
  Result<void> give(const Part& part, const Until& until);
  Result<void> commit(Pace::Commit how, const Until& until);

  Applier& applier_;
  ChangeStream& stream_;
  StreamMeter* const meter_;
  Pace pace_;
  std::deque<Part> waiting_;  // to be given before another batch is taken
  std::optional<model::Lsn> cut_;
  std::vector<std::shared_ptr<const model::Batch>> kept_;  // that the applier may still look at
  bool settled_ = true;
};

// Feed::reach() for a stream that nobody goes on with.
Result<void> catch_up(Applier& applier, ChangeStream& stream, model::Lsn goal, const Until& until,
                      const Pace::Limits& limits = {});

}  // namespace tributary::pipeline
