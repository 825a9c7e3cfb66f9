#pragma once

#include <optional>
#include <string>
#include <utility>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/slot_health.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// What the source keeps for the stream of one database, over a session of its own that is opened anew where it is lost.
// The ledger may be out of reach while the source is not: the target is asked only where the slot's name holds its
// identity, and only once. Used by one thread.
class SlotSight {
 public:
  // `slot` where its name is known. The options must outlive this.
  explicit SlotSight(const StreamOptions& options, std::string slot = "") : options_(options), slot_(std::move(slot)) {}

  // Fault::lost where the slot is gone or was invalidated.
  Result<pipeline::SlotHealth> look(const Until& until);

 private:
  const StreamOptions& options_;
  std::optional<SourceSide> source_;
  std::string slot_;
};

}  // namespace tributary::postgres::sync
