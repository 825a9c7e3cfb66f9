#include "engine/postgres/sync/stream_ends.h"

#include <utility>

#include "engine/postgres/apply/applier.h"
#include "engine/postgres/replication.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/session_settings.h"
#include "engine/postgres/slot_verdict.h"
#include "engine/postgres/stream/logical_stream.h"

namespace tributary::postgres::sync {
namespace {

constexpr Milliseconds sender_timeout{60'000};

Error never_initialised(const std::string& database) {
  return {Fault::invalid, "database " + database + " was never prepared for continuous sync into this target",
          "run tributary init --sync first, or give the object the mode SnapshotAndSync"};
}

// Whether there is something to go on from.
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

}  // namespace

// The lock first: what is read under it stays true. A control session that was lost has lost it, maybe to another
// engine, so it is taken anew each time.
Result<std::unique_ptr<pipeline::Applier>> StreamEnds::applier(const Until& until) {
  claimed_.reset();
  source_ = TRY(look_at_source(options_, until));
  claimed_ = TRY(claim(options_, *source_, until));
  TRY(require_stream(*claimed_, source_->identity));
  const int timeline = TRY(check_position(until));
  Owner& owner = claimed_->owner;
  TRY(end_old_sessions(claimed_->control, owner.key, until));
  owner.epoch = TRY(begin_stream_epoch(claimed_->control, owner, timeline, until));
  Connection session = TRY(open_stream_session(options_, *source_, "applier", until));
  return apply::open_applier(std::move(session), owner, until);
}

// The source's timeline.
Result<int> StreamEnds::check_position(const Until& until) {
  const StreamRow& row = *claimed_->stream;
  const Parameters parameters = TRY(options_.source());
  Connection session = TRY(open_replication_session(parameters, "position", sender_timeout, until));
  SourceMark now;
  now.system = TRY(identify_system(session, until));
  now.history = TRY(read_timeline_history(session, now.system.timeline, until));
  now.slot = TRY(read_slot(source_->session, row.slot, until));
  TRY(judge({row.slot, source_->identity.database, source_->identity.system, row.timeline, row.position.applied}, now));
  return now.system.timeline;
}

Result<std::unique_ptr<pipeline::ChangeStream>> StreamEnds::stream(model::Lsn applied, const Until& until) {
  stream::LogicalStream::Options options;
  options.slot = claimed_->stream->slot;
  options.publications = {claimed_->stream->publication};
  options.start = applied;
  return std::unique_ptr<pipeline::ChangeStream>(TRY(stream::LogicalStream::open(options_.source, options, until)));
}

Result<pipeline::SlotHealth> StreamEnds::look_at_slot(const Until& until) {
  const std::string& name = claimed_->stream->slot;
  const std::optional<SlotState> slot = TRY(read_slot(source_->session, name, until));
  if (!slot)
    return Error{Fault::lost, "slot " + name + " is gone from the source", "take a new snapshot to follow it again"};
  if (slot->wal_status == "lost" || !slot->invalidation_reason.empty())
    return Error{Fault::lost, "the source has invalidated slot " + name + " " + slot->invalidation_reason,
                 "take a new snapshot to follow the source again, and let it keep more log (max_slot_wal_keep_size)"};
  const Rows end =
      TRY(source_->session.query_row("SELECT CASE WHEN pg_catalog.pg_is_in_recovery()"
                                     " THEN pg_catalog.pg_last_wal_replay_lsn()"
                                     " ELSE pg_catalog.pg_current_wal_flush_lsn() END",
                                     {}, until));
  return pipeline::SlotHealth{name, model::parse_lsn(end.text(0, 0)).value_or(model::Lsn{}), slot->retained};
}

Result<void> StreamEnds::carry_sequences(const Until& until) {
  return sequences_.carry(source_->session, claimed_->control, claimed_->owner, until);
}

}  // namespace tributary::postgres::sync
