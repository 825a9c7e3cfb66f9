#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

// The rows of one replication's stream in `_tributary`, as statements: `stream` (where it stands) and what
// `table_state` says of each table beside its copy. Who applies hangs every transaction on the stream's epoch, as a
// copy does on the replication's.
namespace tributary::postgres {

// Why the engine ended that followed last, unless the stream has moved on since.
struct StreamEnd {
  bool is_lost = false;  // Fault::lost
  std::string what;
  std::string hint;
  std::string at;  // RFC 3339, by the target's clock
};

struct StreamRow {
  std::string slot;
  std::string publication;
  bool owns_publication = true;  // else made by somebody else, and never dropped by us
  int timeline = 0;              // of the source, when it was last connected to
  model::Lsn start;              // the slot's consistent point: what the copy began with
  pipeline::StreamPosition position;
  bool released = false;  // slot and publication are gone: only a new snapshot leads back
  std::optional<StreamEnd> end = {};
};

// A table as the stream is to treat it.
struct FollowedTable {
  enum class State {
    followed,      // changes from `position` on are applied
    stopped,       // changes could not be applied any more; `reason` says why
    not_streamed,  // the source cannot publish its updates and deletes; `reason` says why
    recopy,        // its rows are to be replaced by those of a later position; `reason` says why
  };
  model::Name name;
  State state = State::followed;
  model::Lsn position;  // its rows are those of this position: transactions below it are in them
  std::string reason;
  // The partitioned table of the target that its rows were written to, which the target divides in its own way; as
  // plan_tables() recorded it.
  std::optional<model::Name> route = {};
  std::uint32_t id = 0;    // the source's own identity of the table (an OID), 0 where the ledger does not know it
  std::string asked = "";  // when its rows were last asked for, as the ledger spells it
};

// How the reason of a table begins that stopped because the source has dropped it. What its changes are is known: none.
inline constexpr std::string_view dropped_on_source = "the source has dropped it";
bool is_dropped(const FollowedTable& table);

// Reads; the control schema must exist.
Result<std::optional<StreamRow>> read_stream(Connection& target, const std::string& key, const Until& until);
Result<std::vector<FollowedTable>> read_followed_tables(Connection& target, const std::string& key, const Until& until);
// Of those the ones with these names.
Result<std::vector<FollowedTable>> read_followed_tables(Connection& target, const std::string& key,
                                                        const std::vector<model::Name>& names, const Until& until);
// Of those the ones in any other state than `followed`.
Result<std::vector<FollowedTable>> read_tables_aside(Connection& target, const std::string& key, const Until& until);
// And those that are to be copied again.
Result<std::vector<FollowedTable>> read_tables_asked_for(Connection& target, const std::string& key,
                                                         const Until& until);

// Inside the caller's transaction, with its fence: nothing follows the copy that begins.
Result<void> forget_stream(Connection& target, const Owner& owner, const Until& until);
// Likewise, after that: the stream that a copy at `row.start` begins with.
Result<void> record_stream(Connection& target, const Owner& owner, const StreamRow& row, const Until& until);
Result<void> record_followed_tables(Connection& target, const Owner& owner, const std::vector<FollowedTable>& tables,
                                    const Until& until);

// Inside the caller's transaction, with its fence: slot and publication are about to go.
Result<void> mark_released(Connection& target, const Owner& owner, const Until& until);
// Inside the caller's transaction: everything of the replication goes, its fence too, which is looked at first.
Result<void> forget_replication(Connection& target, const Owner& owner, const Until& until);

// The same as a transaction of its own, which is on disk when this returns, and with it all that was committed before.
Result<void> forget_for_good(Connection& target, const Owner& owner, const Until& until);

// Takes the stream over: the next epoch, of the replication too, so that nobody else can commit from here on but who
// has only read the former epoch: end old sessions after it (session_lock.h), as well as before, since they may hold
// the row.
Result<std::int64_t> begin_stream_epoch(Connection& target, const Owner& owner, int timeline, const Until& until);

// As a transaction of its own, while the owner's epoch is the stream's.
Result<void> record_end_of_stream(Connection& target, const Owner& owner, const Error& why, const Until& until);

// Moves the position and is the fence of the transaction that it runs in: one row, or fenced_out().
// $1 key, $2 epoch, $3 end of the last transaction, $4 its commit time on the source (RFC 3339 with microseconds, or
// NULL to leave it), $5 to $7 the witness. Never moves back.
extern const char* const move_stream;
// The same for tables that are copied again beside the stream, which only reads the stream's epoch: as many rows as
// tables. $1 key, $2 epoch, $3 end of the last transaction, $4 and $5 schemas and names of the tables.
extern const char* const move_tables;

}  // namespace tributary::postgres
