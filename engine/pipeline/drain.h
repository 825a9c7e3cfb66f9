#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"
#include "engine/pipeline/change_stream.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/slot_health.h"

// A copy whose tables are of several moments is brought to one: the stream that was made before the first of them is
// followed up to the last.
namespace tributary::pipeline {

// Both ends of the stream of a copy that is not complete. The copy's own Target holds the claim meanwhile. Used by one
// thread.
class DrainEnds {
 public:
  virtual ~DrainEnds() = default;

  // Writes under the `epoch` of the copy. Fault::fenced where that is over, Fault::lost where the stream does not lead
  // on from what the ledger holds.
  virtual Result<std::unique_ptr<Applier>> applier(std::int64_t epoch, const Until& until) = 0;
  // Opens the stream behind `position`, which it may find later to be none of the source's log: Fault::lost then.
  virtual Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition& position, const Until& until) = 0;
  // Asks the source itself, at any time. Fault::lost where the slot is gone or was invalidated.
  virtual Result<SlotHealth> look_at_slot(const Until& until) = 0;
};

// Applies everything that lies below `goal`, and nothing else; returns when it is on disk. Fault::transient where
// another attempt may help: it copies a table again whose changes could not be applied, and all where the stream is
// lost.
Result<void> drain(DrainEnds& ends, std::int64_t epoch, model::Lsn goal, ProgressBoard& board, StreamMeter& meter,
                   const Until& until);

}  // namespace tributary::pipeline
