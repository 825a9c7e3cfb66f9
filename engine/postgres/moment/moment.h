#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"

// One moment of a source and its target, for comparing them while a sync runs.
namespace tributary::postgres::moment {

struct MomentEnds {
  Parameters source;
  Parameters target;
  std::string key;  // of the replication in the target's ledger; "": nothing follows
};

struct MomentLimits {
  Milliseconds standstill{100};  // of the apply, each time
  int tries = 10;                // to make a slot while it stands
  Seconds answer{20};            // for an engine to notice, and for another asker to be done
};

// One moment of both databases, kept open by one session on each side until it is destroyed; others read it by SET
// TRANSACTION SNAPSHOT. It is that of the tables that the ledger in the target's snapshot calls followed: one that has
// stopped, or is copied again, has a position of its own.
class Moment {
 public:
  // Of pg_export_snapshot().
  const std::string& source_snapshot() const { return source_snapshot_; }
  const std::string& target_snapshot() const { return target_snapshot_; }
  // The sessions that hold it, in their REPEATABLE READ transactions; for its owner's thread.
  Connection& source() { return source_; }
  Connection& target() { return target_; }
  // Both ends hold exactly what was committed below it. Nothing where no sync follows, and where it is not exact.
  std::optional<model::Lsn> position() const { return position_; }
  // False: the target was read after it had everything that the source's snapshot has, and maybe more: no slot could be
  // made. Rows that differ have to be looked at again.
  bool exact() const { return is_exact_; }
  // The longest standing still of the apply, by the engine's own word.
  Milliseconds held() const { return held_; }

 private:
  friend class Taking;
  Moment(Connection source, Connection target) : source_(std::move(source)), target_(std::move(target)) {}

  Connection source_;
  Connection target_;
  std::string source_snapshot_;
  std::string target_snapshot_;
  std::optional<model::Lsn> position_;
  bool is_exact_ = true;
  Milliseconds held_{0};
};

// Fault::transient where a sync follows by the ledger's word and no engine answers (an old target differs from a live
// source), and where somebody else takes a moment for too long. Nothing stays on either side, whatever happens.
Result<std::unique_ptr<Moment>> take_moment(const MomentEnds& ends, const MomentLimits& limits, const Until& until);

}  // namespace tributary::postgres::moment
