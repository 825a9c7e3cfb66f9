#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/lsn.h"
#include "engine/postgres/replication/replication.h"
#include "engine/postgres/replication/slot.h"

// Whether a stream may go on where the ledger says that it stands. A server starts at the slot's confirmed position
// whatever it is asked for, and says nothing about a gap: so everything is compared before. Pure.
namespace tributary::postgres {

// What the ledger holds of the source.
struct LedgerMark {
  std::string slot;
  std::string database;
  std::string system;                // identifier of the source's system; "" where it was not known
  int timeline = 0;                  // when it was last connected to; 0 where it never was
  model::Lsn applied;                // all that ends at or below it is in the target
  std::string own_publication = "";  // "" where somebody else made the one that is used
};

// What the source says now.
struct SourceMark {
  SystemIdentity system;
  std::vector<TimelineSwitch> history;  // of its timeline
  std::optional<SlotState> slot;
  bool has_publication = true;
};

// Whether the slot can be streamed from at all: Fault::lost where it is gone or was invalidated.
Result<void> judge_slot(const std::string& name, const std::optional<SlotState>& slot);

// What is said where our own publication is gone: Fault::lost, since no version of the server decodes what was written
// without it by one that is made later. PostgreSQL 18 leaves it out with a warning, its elders refuse.
Error own_publication_gone(const std::string& name);
// Of any publication, where the log has been read to such a change.
Error unpublished_changes(const std::string& words);

// Success; Fault::lost where only a new snapshot leads on; Fault::transient where another session still streams.
Result<void> judge(const LedgerMark& ledger, const SourceMark& source);

}  // namespace tributary::postgres
