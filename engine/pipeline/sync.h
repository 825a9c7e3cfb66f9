#pragma once

#include <memory>
#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/api/stream_status.h"
#include "engine/base/backoff.h"
#include "engine/base/until.h"
#include "engine/pipeline/follow.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/servers.h"
#include "engine/pipeline/table_standing.h"

// Continuous sync of all selected databases, each on a thread of its own.
namespace tributary::pipeline {

// What the target keeps of a replication that is released: all of it, its ledger's rows marked as released, what was
// copied alone, or nothing.
enum class Keep { everything, data, nothing };

// Both servers as a sync sees them. Used by one thread; every StreamEnds by another, and before its SyncServers go.
class SyncServers {
 public:
  virtual ~SyncServers() = default;
  // The selected databases, by name. Never empty.
  virtual Result<std::vector<DatabasePair>> databases(const Until& until) = 0;
  virtual std::unique_ptr<StreamEnds> ends(const DatabasePair& databases) = 0;
  // What both ends say now, whoever runs an engine: takes no lock and writes nothing. What keeps the stream from going
  // on is in it; an Error only where an end could not be asked.
  virtual Result<api::StreamStatus> status(const DatabasePair& databases, const Until& until) = 0;
  // Asks whoever follows the stream, or will, to copy tables again, those that entries of a selection name
  // ("db.schema.table"): which these are. Takes no lock. Fault::invalid where an entry for this database names none.
  virtual Result<std::vector<AskedTable>> ask_for_recopy(const DatabasePair& databases,
                                                         const std::vector<std::string>& entries,
                                                         const Until& until) = 0;
  // What became of them so far. Takes no lock and writes nothing.
  virtual Result<RecopyStanding> look_at_recopy(const DatabasePair& databases, const std::vector<AskedTable>& asked,
                                                const Until& until) = 0;
  // Ends the stream of one database for good: no engine can go on from the ledger, and the source keeps nothing for it.
  // Of a declared replication also where the target cannot be reached, which is an Error only where anything of it is
  // to go, and success where there is no stream; without a name only what the target's ledger tells of is released.
  // What stays on the target although nothing is to is a finding each.
  virtual Result<std::vector<api::Finding>> release(const DatabasePair& databases, Keep keep, const Until& until) = 0;
};

// Follows until `until` stops it, which is success; never throws, always reports. The first database whose stream
// cannot go on ends all of them: a part that stands still behind a process that looks alive would go unnoticed.
// Held: nothing is applied, the slots are watched.
enum class Manner { follow, hold };
api::Report run_sync(const api::Spec& spec, SyncServers& servers, Manner manner, ProgressBoard& board,
                     const Until& until, const Backoff::Limits& pauses = {});

// Releases the streams of all selected databases; every one is tried. A fault that may pass is overcome for two
// minutes, or where the spec names a replication as long as `until` lets it. Never throws, always reports.
api::Report run_release(const api::Spec& spec, SyncServers& servers, Keep keep, ProgressBoard& board,
                        const Until& until, const Backoff::Limits& pauses = {});

// Has tables copied again and waits until the engine that follows has done it; where none is seen for `patience`, that
// is left to the next one, which is success too. Never throws, always reports.
api::Report run_recopy(const api::Spec& spec, const std::vector<std::string>& entries, SyncServers& servers,
                       ProgressBoard& board, const Until& until, Seconds patience = Seconds{15},
                       const Backoff::Limits& pauses = {});

}  // namespace tributary::pipeline
