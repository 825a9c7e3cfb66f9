#include "engine/postgres/sync/stream_ends.h"

#include "engine/base/pause.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/apply/applier.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/control_schema.h"
#include "engine/postgres/replication.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/session_settings.h"
#include "engine/postgres/slot_verdict.h"
#include "engine/postgres/stream/change_stream.h"

namespace tributary::postgres::sync {
namespace {

constexpr Milliseconds look_again{500};

Error never_initialised(const std::string& database) {
  return {Fault::invalid, "database " + database + " was never prepared for continuous sync into this target",
          "run tributary init --sync first, or give the object the mode SnapshotAndSync"};
}

}  // namespace

Result<std::unique_ptr<pipeline::Applier>> StreamEnds::applier(const Until& until) {
  TRY(look_at_source(until));
  TRY(lock(until));
  row_ = TRY(read_ledger(until));
  const int timeline = TRY(check_position(row_, until));
  TRY(end_old_sessions(*control_, owner_.key, until));
  owner_.epoch = TRY(begin_stream_epoch(*control_, owner_, timeline, until));
  Connection session = TRY(target_session("applier", until));
  return apply::open_applier(std::move(session), owner_, until);
}

Result<void> StreamEnds::look_at_source(const Until& until) {
  const Parameters parameters = TRY(options_.source());
  source_ = TRY(open_source_session(parameters, "sync", until));
  identity_.system = TRY(read_server(*source_, until)).system_identifier;
  identity_.database = TRY(read_current_database(*source_, until)).name;
  client_encoding_ = source_->reported("client_encoding");
  owner_.key = replication_key(options_.replication, identity_, options_.selection);
  owner_.attempt = options_.attempt;
  return {};
}

// A control session that was lost has lost the lock, and maybe to another engine.
Result<void> StreamEnds::lock(const Until& until) {
  if (control_ && control_->query("SELECT 1", until)) return {};
  control_ = TRY(target_session("control", until));
  const Deadline enough = Deadline::after(options_.lock_patience);
  while (true) {
    const std::string holder = TRY(take_session_lock(*control_, {owner_.key, owner_.attempt}, until));
    if (holder.empty()) return {};
    if (enough.passed()) return pipeline::kept_out_by(holder);
    if (!pause_for(look_again, until.stop)) return Error{Fault::cancelled, "stopped while waiting for the session lock"};
  }
}

Result<StreamRow> StreamEnds::read_ledger(const Until& until) {
  if (!TRY(read_control_version(*control_, until))) return never_initialised(identity_.database);
  TRY(ensure_control_schema(*control_, until));
  const std::optional<ReplicationRow> replication = TRY(read_replication(*control_, owner_.key, until));
  if (!replication) return never_initialised(identity_.database);
  if (replication->attempt > owner_.attempt)
    return Error{Fault::fenced, "attempt " + std::to_string(replication->attempt) + " of replication " + owner_.key +
                                    " has begun; this is attempt " + std::to_string(owner_.attempt)};
  if (replication->source.system != identity_.system || replication->source.database != identity_.database)
    return Error{Fault::lost, "another server or database answers as the source of replication " + owner_.key,
                 "give the replication back its source, or take a new snapshot"};
  if (!replication->complete)
    return Error{Fault::invalid, "the snapshot of database " + identity_.database + " is not complete",
                 "run tributary init --sync again: it goes on with what is there"};
  const std::optional<StreamRow> row = TRY(read_stream(*control_, owner_.key, until));
  if (!row) return never_initialised(identity_.database);
  if (row->released)
    return Error{Fault::lost, "the stream of database " + identity_.database + " was released",
                 "take a new snapshot to follow the source again"};
  return *row;
}

// The source's timeline.
Result<int> StreamEnds::check_position(const StreamRow& row, const Until& until) {
  const Parameters parameters = TRY(options_.source());
  Connection session = TRY(open_replication_session(parameters, "position", Milliseconds{60'000}, until));
  SourceMark now;
  now.system = TRY(identify_system(session, until));
  now.history = TRY(read_timeline_history(session, now.system.timeline, until));
  now.slot = TRY(read_slot(*source_, row.slot, until));
  TRY(judge({row.slot, identity_.database, identity_.system, row.timeline, row.position.applied}, now));
  return now.system.timeline;
}

Result<Connection> StreamEnds::target_session(std::string_view purpose, const Until& until) const {
  const Parameters parameters = TRY(options_.target());
  return open_target_session(parameters, session_prefix(owner_.key) + std::string(purpose), client_encoding_, until);
}

Result<std::unique_ptr<pipeline::ChangeStream>> StreamEnds::stream(model::Lsn applied, const Until& until) {
  stream::Options options;
  options.slot = row_.slot;
  options.publications = {row_.publication};
  options.start = applied;
  return stream::open_stream(options_.source, options, until);
}

Result<void> StreamEnds::carry_sequences(const Until& until) {
  return sequences_.carry(*source_, *control_, owner_, until);
}

}  // namespace tributary::postgres::sync
