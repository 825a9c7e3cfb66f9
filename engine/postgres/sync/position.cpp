#include "engine/postgres/sync/position.h"

#include <optional>

#include "engine/postgres/replication.h"
#include "engine/postgres/session_settings.h"
#include "engine/postgres/slot.h"
#include "engine/postgres/slot_verdict.h"

namespace tributary::postgres::sync {
namespace {

Error never_initialised(const std::string& database) {
  return {Fault::invalid, "database " + database + " was never prepared for continuous sync into this target",
          "run tributary init --sync first, or give the object the mode SnapshotAndSync"};
}

}  // namespace

Result<void> require_stream(const Claimed& claimed, const pipeline::SourceIdentity& source) {
  if (!claimed.replication) return never_initialised(source.database);
  if (claimed.replication->source.system != source.system || claimed.replication->source.database != source.database)
    return Error{Fault::lost, "another server or database answers as the source of replication " + claimed.owner.key,
                 "give the replication back its source, or take a new snapshot"};
  if (!claimed.replication->complete)
    return Error{Fault::invalid, "the snapshot of database " + source.database + " is not complete",
                 "run tributary init --sync again"};
  if (!claimed.stream) return never_initialised(source.database);
  if (claimed.stream->released)
    return Error{Fault::lost, "the stream of database " + source.database + " was released",
                 "take a new snapshot to follow the source again"};
  return {};
}

Result<int> check_position(const StreamOptions& options, SourceSide& source, const StreamRow& row, const Until& until) {
  const Parameters parameters = TRY(options.source());
  Connection session = TRY(open_replication_session(parameters, "position", until));
  SourceMark now;
  now.system = TRY(identify_system(session, until));
  now.history = TRY(read_timeline_history(session, now.system.timeline, until));
  now.slot = TRY(read_slot(source.session, row.slot, until));
  TRY(judge({row.slot, source.identity.database, source.identity.system, row.timeline, row.position.applied}, now));
  return now.system.timeline;
}

Result<pipeline::SlotHealth> read_slot_health(Connection& source, const std::string& name, const Until& until) {
  const std::optional<SlotState> slot = TRY(read_slot(source, name, until));
  if (!slot)
    return Error{Fault::lost, "slot " + name + " is gone from the source", "take a new snapshot to follow it again"};
  if (slot->wal_status == "lost" || !slot->invalidation_reason.empty())
    return Error{Fault::lost, "the source has invalidated slot " + name + " " + slot->invalidation_reason,
                 "take a new snapshot to follow the source again, and let it keep more log (max_slot_wal_keep_size)"};
  const Rows end =
      TRY(source.query_row("SELECT CASE WHEN pg_catalog.pg_is_in_recovery()"
                           " THEN pg_catalog.pg_last_wal_replay_lsn()"
                           " ELSE pg_catalog.pg_current_wal_flush_lsn() END",
                           {}, until));
  return pipeline::SlotHealth{name, model::parse_lsn(end.text(0, 0)).value_or(model::Lsn{}), slot->retained};
}

}  // namespace tributary::postgres::sync
