#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/looks.h"
#include "engine/postgres/sync/parent_keeper.h"
#include "engine/postgres/sync/shape_plan.h"
#include "engine/postgres/sync/source_sight.h"

namespace tributary::postgres::sync {

// Holds the tables of the source against what the ledger says of them, and carries out on the target what can be. What
// does not get its lock there within seconds is tried again at the next look. Used by one thread; the claim is held
// while it works, and no transaction of the applier is open.
class ShapeKeeper {
 public:
  // `publishing` is held while the publication is brought to tables that were looked at.
  ShapeKeeper(const StreamOptions& options, std::mutex& publishing, Looks& looks)
      : options_(&options), publishing_(&publishing), looks_(&looks), parents_(options) {}

  // Nothing is known any more of what was done to the target.
  void forget_target();

  // Now and then, where somebody asks for it, and where the catalog's fingerprint says that the source's tables have
  // changed.
  Result<bool> is_due(SourceSide& source, const Until& until);
  // True where the ledger's list of tables has changed: whoever read it must do so again. `applied`: the stream has
  // carried out all that ends at or below it; zero where nobody knows.
  Result<bool> look(SourceSide& source, Claimed& claimed, model::Lsn applied, const Until& until);

  // Whether a description of the log is what the last look has left on the target.
  bool fits(const model::LogTable& log) const;
  // After a look that found nothing new about it: the log is older than the catalog, or tells of a time in between.
  // False where it cannot be applied to what is on the target.
  bool accept(const model::LogTable& log);
  // After a value that the target has refused as none of its type: true where it may take it now, or the table has it
  // no more.
  Result<bool> learn_values(SourceSide& source, Claimed& claimed, const Until& until);
  // The table's rows are to be copied again, as the log tells of columns that are neither here nor there.
  Result<void> give_up(Claimed& claimed, const model::LogTable& log, const Until& until);

 private:
  Result<std::vector<KnownTable>> read_known(Claimed& claimed, const Until& until);
  Result<bool> add(SourceSide& source, Claimed& claimed, const std::vector<const SourceTable*>& tables,
                   const Until& until);
  Result<bool> put_off(Claimed& claimed, ShapePlan& plan, const RenamedTables& group, const Error& error,
                       const Until& until);
  Result<bool> put_off_below_parents(Claimed& claimed, ShapePlan& plan, const SourceSight& now, const Until& until);
  Result<void> create_parents_of_attached(SourceSide& source, Claimed& claimed, const ShapePlan& plan,
                                          const SourceSight& now, const Until& until);
  Result<bool> rename(Claimed& claimed, ShapePlan& plan, const RenamedTables& group, const Until& until);
  Result<void> rename_all(Claimed& claimed, const ShapePlan& plan, const RenamedTables& group, const Until& until);
  Result<bool> carry_out(Claimed& claimed, const TableDecision& decision, const Until& until);
  Result<bool> make_objects(Claimed& claimed, const Error& error, const Until& until);
  Result<void> apply(Claimed& claimed, const TableDecision& decision, const Until& until);
  const Error* missed(const TableDecision& decision) const;
  Result<bool> put_off(Claimed& claimed, const TableDecision& decision, const Error& error, const Until& until);
  Result<void> alter(Connection& target, const TableDecision& decision, const Until& until);
  Result<void> finish(Connection& target, const TableDecision& decision, const Until& until);
  Result<void> record(Claimed& claimed, const TableDecision& decision, const Until& until);
  Result<void> publish(SourceSide& source, Claimed& claimed, const SourceSight& now, const Until& until);
  static Result<bool> kept_out(model::Lsn applied);

  const StreamOptions* options_;
  std::mutex* publishing_;
  Looks* looks_;
  ParentKeeper parents_;
  Deadline due_ = Deadline::after(Milliseconds{0});
  Deadline glance_due_ = Deadline::after(Milliseconds{0});
  std::map<std::uint32_t, TableShape> shapes_;  // as the ledger has them
  std::set<std::string> accepted_;              // descriptions of the log
  std::set<std::string> carried_out_;           // statements of this look: partitions share those of the table above
  std::map<std::string, Error> missed_;         // statements of this look that did not get their lock
  bool lock_missed_ = false;                    // by the last apply()
  bool has_made_objects_ = false;               // in this look
  std::set<std::uint32_t> waiting_;             // tables that this look has put off
};

}  // namespace tributary::postgres::sync
