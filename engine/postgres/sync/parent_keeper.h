#pragma once

#include <map>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/parent_plan.h"

namespace tributary::postgres::sync {

// Gives partitioned tables of the target the names that the source has for them, before anything is made of the tables
// below. Used by one thread, like ShapeKeeper.
class ParentKeeper {
 public:
  explicit ParentKeeper(const StreamOptions& options) : options_(&options) {}

  // `known` goes by the new names afterwards. True where the ledger's list of tables has changed.
  Result<bool> look(Claimed& claimed, std::vector<KnownTable>& known, const SourceSight& now, const Until& until);
  // Why a table of the source is to wait: one above it could not be renamed yet. Until the next look.
  const Error* waits(const SourceTable& table) const;

 private:
  Result<bool> rename(Claimed& claimed, std::vector<KnownTable>& known, const RenamedParents& group,
                      const Until& until);
  Result<void> rename_all(Claimed& claimed, const std::vector<KnownTable>& known, const RenamedParents& group,
                          const Until& until);
  Result<bool> stop(Claimed& claimed, std::vector<KnownTable>& known, const RenamedParents& group,
                    const std::string& refusal, const Until& until);

  const StreamOptions* options_;
  ParentIds ids_;
  std::map<model::Name, Error> waiting_;  // by the names that they are to have
};

}  // namespace tributary::postgres::sync
