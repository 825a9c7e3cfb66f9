#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"

namespace tributary::pipeline {

// The last transaction with a change that a ledger has. A source that shows it at this place has written all that lies
// below, too: the same log cannot hold another one there. Nothing that lies behind it and below the ledger's position
// has a change.
struct Witness {
  model::Lsn lsn;                     // where its commit record begins
  model::Lsn end;                     // behind it
  std::optional<WallTime> time = {};  // of its commit, by the source's clock; without one there is no such transaction
  bool operator==(const Witness&) const = default;
};

// Where the ledger says that a stream stands.
struct StreamPosition {
  model::Lsn applied;              // every transaction that ends at or below it is in the target
  std::optional<WallTime> commit;  // of the last one that was applied, by the source's clock
  Witness witness = {};
};

// How the changes of a group reach the target.
enum class ApplyMode {
  ordered,    // each by itself, in order
  coalesced,  // the net change of each row, by table; what cannot be done so is done in order
};

// A table whose changes cannot be applied any more: its rows are not what the log says. It stands still where it is
// while the others go on.
struct StoppedTable {
  model::Name table;
  std::string reason;  // a sentence
};

// One connection that carries the changes of one database's stream into the target. Changes of a table that lie below
// the table's own position, and those of a table that has stopped or is not followed, are passed over. Between the
// first apply() after open or commit and the next commit() lies one transaction on the target. Used by one thread.
// After an Error the transaction is gone; begin again from the ledger's position, with a new Applier where
// usable() is false.
class Applier {
 public:
  virtual ~Applier() = default;

  virtual StreamPosition position() const = 0;

  // Carries out what comes next. `coalesced` may keep changes back until the next commit(): while keeps(), the batches
  // of what was given must stay. `ordered`, at any time, carries out first what was kept back, and keeps nothing.
  // Fault::differs where a change does not meet exactly one row, maybe one that was given before: stopped() names the
  // table then, which the caller has stop() record before it begins again.
  virtual Result<void> apply(const model::Events& events, ApplyMode mode, const Until& until) = 0;
  virtual bool keeps() const = 0;

  // Moves the ledger's position to the last commit or idle event that was given and commits; a transaction that is
  // still open at the end of the last batch stays open with it: call only between two transactions. `durable`: returns
  // when it is on disk, and with it all that was committed before. Fault::fenced when another engine owns the
  // replication by now: nothing was kept then.
  virtual Result<void> commit(bool durable, const Until& until) = 0;

  // With Fault::differs, until stop(): the table that it was about.
  virtual const std::optional<StoppedTable>& stopped() const = 0;
  // Records in the ledger, in a transaction of its own, that a table is not followed any more.
  virtual Result<void> stop(const StoppedTable& table, const Until& until) = 0;

  // Gives up what was given since the last commit, for another stream to begin at position(), and reads anew which
  // tables are followed, and from where.
  virtual Result<void> reload(const Until& until) = 0;

  virtual bool usable() const = 0;
};

}  // namespace tributary::pipeline
