#pragma once

#include <optional>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"

// Whether the log of a source is the one that a ledger's position lies in. Its server, set back to an older copy of its
// files, has the same system identifier and timeline, writes other transactions at the same positions, and says nothing
// about it. But its slot was set back too, and is not confirmed up to where we have come: so the stream begins at the
// ledger's last transaction with a change, which the source must show again, and none behind it that the ledger's
// position does not know. A slot that is confirmed beyond that transaction has been told so by us, in this log. Pure.
namespace tributary::postgres::stream {

class Resumption {
 public:
  // A log that nothing is asked of.
  explicit Resumption(model::Lsn start) : Resumption({start, {}, {start, start}}, start) {}
  // `confirmed`: of the slot, when it was held against the ledger.
  Resumption(const pipeline::StreamPosition& ledger, model::Lsn confirmed);

  // From where transactions are asked for; the ledger has those that end at or below its position.
  model::Lsn start() const;
  bool is_proven() const { return is_proven_; }

  // Event by event until it is proven: whether the ledger lacks it. Fault::lost where the log is another one.
  Result<bool> take(const model::Event& event);
  // The source has sent all that ends at or below `end`. Likewise.
  Result<void> reach(model::Lsn end);

 private:
  Result<void> conclude();

  pipeline::StreamPosition ledger_;
  model::Lsn confirmed_;
  bool is_proven_;
  bool is_shown_;           // the witness, or it need not be
  model::Lsn transaction_;  // that has begun
};

}  // namespace tributary::postgres::stream
