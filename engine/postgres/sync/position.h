#pragma once

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/sync/claim.h"

// The source held against the ledger.
namespace tributary::postgres::sync {

// Whether there is something to go on from: Fault::invalid where nothing was ever prepared or only for another target,
// Fault::lost where it was another source's or is released.
Result<void> require_stream(const Claimed& claimed, const pipeline::SourceIdentity& source);

// Whether the source is the ledger's and still has all that the ledger lacks: Fault::lost where not. Call after
// require_stream(). Whether its log is the one that the target's changes came from, the stream finds out
// (resumption.h).
struct SourceStanding {
  int timeline = 0;
  model::Lsn confirmed;  // of the slot
};
Result<SourceStanding> check_position(const StreamOptions& options, SourceSide& source, const Claimed& claimed,
                                      const Until& until);

// What a ledger is answered whose slot is not the one of this target.
Error of_another_target(const Claimed& claimed);

// Fault::lost where the slot is gone or was invalidated.
Result<SlotState> read_live_slot(Connection& source, const std::string& name, const Until& until);

}  // namespace tributary::postgres::sync
