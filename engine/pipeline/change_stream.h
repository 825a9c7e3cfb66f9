#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"

namespace tributary::pipeline {

// How far the stream of one database has come, for status and metrics.
struct Reach {
  model::Lsn received;    // the last that arrived
  model::Lsn source_end;  // the end of the source's log as it last said
  WallTime heard;         // when the source last said anything, by our clock; the epoch where it never did
};

// The committed transactions of one database from a position on. A thread of its own receives, and answers the source
// whatever the caller does meanwhile. next() is for one thread, the rest for any.
class ChangeStream {
 public:
  virtual ~ChangeStream() = default;

  // The next events in commit order, as many as are there and fit into one batch; an empty batch where nothing came
  // within `wait`. An Error is the end of the stream: Fault::transient where another may be opened at the last
  // confirmed position, Fault::lost where none can. Unknown or malformed input is Fault::failed.
  virtual Result<std::shared_ptr<const model::Batch>> next(Milliseconds wait, const Until& until) = 0;

  // Everything that ends at or below `durable` is on the target's disk, with the ledger's word for it: the source need
  // not keep it. Never moves back.
  virtual void confirm(model::Lsn durable) = 0;

  virtual Reach reach() const = 0;
};

}  // namespace tributary::pipeline
