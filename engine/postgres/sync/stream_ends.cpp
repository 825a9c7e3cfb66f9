#include "engine/postgres/sync/stream_ends.h"

#include <algorithm>
#include <utility>

#include "engine/base/pause.h"
#include "engine/postgres/apply/applier.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/sync/recopy_ends.h"
#include "engine/postgres/sync/slot_sight.h"

namespace tributary::postgres::sync {
namespace {

constexpr Milliseconds look_again{20};
constexpr Seconds time_to_let_go{10};

// Our own stream of before ends when its server notices.
Result<void> wait_for_slot(Connection& source, const std::string& name, const Until& until) {
  const Deadline enough = Deadline::after(time_to_let_go);
  while (!enough.passed()) {
    const std::optional<SlotState> slot = TRY(read_slot(source, name, until));
    if (!slot || slot->active_pid == 0) break;
    if (!pause_for(look_again, until.stop)) return Error{Fault::cancelled, "stopped while waiting for the slot"};
  }
  return {};
}

}  // namespace

// The lock first: what is read under it stays true. A control session that was lost has lost it, maybe to another
// engine, so it is taken anew each time; and the target may have crashed or been set back since, so that what was done
// to it before is not known any more.
Result<std::unique_ptr<pipeline::Applier>> StreamEnds::applier(const Until& until) {
  proven_.reset();
  claimed_.reset();
  sequences_ = {};
  shapes_.forget_target();
  source_ = TRY(look_at_source(options_, until));
  claimed_ = TRY(claim(options_, *source_, until));
  TRY(require_stream(*claimed_, source_->identity));
  TRY(require_writable(claimed_->control, until));
  slot_ = claimed_->stream->slot;
  standing_ = TRY(check_position(options_, *source_, *claimed_, until));
  Owner& owner = claimed_->owner;
  TRY(end_old_sessions(claimed_->control, owner.key, until));
  owner.epoch = TRY(begin_stream_epoch(claimed_->control, owner, standing_.timeline, until));
  TRY(end_old_sessions(claimed_->control, owner.key, until));
  // Sessions that have ended by now may have moved it.
  claimed_->stream = TRY(read_stream(claimed_->control, owner.key, until));
  TRY(prove_log(until));
  Connection session = TRY(open_stream_session(options_, *source_, "applier", until));
  is_checked_ = !TRY(shapes_.look(*source_, *claimed_, {}, until));
  if (!is_checked_) proven_.reset();
  TRY(take_up(until));
  return apply::open_applier(std::move(session), owner, until, this);
}

// Before anything is done to the target: what another log says of tables and sequences is nothing for it either.
Result<void> StreamEnds::prove_log(const Until& until) {
  const pipeline::StreamPosition& position = claimed_->stream->position;
  if (standing_.confirmed >= position.applied) return {};
  proven_ = TRY(open_stream(position, until));
  return proven_->await_proof(until);
}

Result<std::unique_ptr<stream::LogicalStream>> StreamEnds::open_stream(const pipeline::StreamPosition& position,
                                                                       const Until& until) const {
  stream::LogicalStream::Options options;
  options.slot = claimed_->stream->slot;
  options.publications = {claimed_->stream->publication};
  options.start = position.applied;
  options.resumption.emplace(position, standing_.confirmed);
  return stream::LogicalStream::open(options_.source, options, until);
}

Result<void> StreamEnds::take_up(const Until& until) {
  if (options_.recopy.request_id.empty()) return {};
  const std::string& database = source_->identity.database;
  const std::vector<FollowedTable> tables = TRY(read_followed_tables(claimed_->control, claimed_->owner.key, until));
  const TablesAbove above = tables_above(TRY(read_tables(source_->session, until)));
  request_ = request_named_by(options_.recopy, database, tables, above);
  return take_up_request(request_, database, claimed_->owner, claimed_->control, until);
}

// Of an engine that goes on with what it holds.
Result<void> StreamEnds::check_again(model::Lsn applied, const Until& until) {
  TRY(claimed_->control.query("SELECT 1", until));  // without it the lock is lost
  if (!source_->session.usable()) source_ = TRY(look_at_source(options_, until));
  TRY(require_stream(*claimed_, source_->identity));
  TRY(wait_for_slot(source_->session, claimed_->stream->slot, until));
  claimed_->stream->position.applied = applied;
  standing_ = TRY(check_position(options_, *source_, *claimed_, until));
  if (standing_.timeline != claimed_->stream->timeline)
    return Error{Fault::transient, "the source is on another timeline now"};
  return {};
}

Result<std::unique_ptr<pipeline::ChangeStream>> StreamEnds::stream(const pipeline::StreamPosition& position,
                                                                   const Until& until) {
  std::unique_ptr<stream::LogicalStream> opened = std::move(proven_);
  if (!std::exchange(is_checked_, false)) TRY(check_again(position.applied, until));
  if (!opened) opened = TRY(open_stream(position, until));
  return std::unique_ptr<pipeline::ChangeStream>(std::move(opened));
}

// Where no stream was asked for, the slot is held.
Result<pipeline::SlotHealth> StreamEnds::look_at_slot(const Until& until) {
  proven_.reset();
  const std::string& name = claimed_->stream->slot;
  const SlotState slot = TRY(read_live_slot(source_->session, name, until));
  pipeline::SlotHealth health{name, slot.source_end, slot.retained};
  if (const std::string other = recopy_slot_.name(); !other.empty()) {
    const std::optional<SlotState> temporary = TRY(read_slot(source_->session, other, until));
    if (temporary) health.retained = std::max(health.retained, temporary->retained);
  }
  return health;
}

Result<pipeline::SlotHealth> StreamEnds::look_at_slot_alone(const Until& until) {
  return SlotSight(options_, slot_).look(until);
}

Result<pipeline::TableStanding> StreamEnds::look_at_ledger(const Until& until) {
  return standing_of(TRY(read_tables_aside(claimed_->control, claimed_->owner.key, until)), request_);
}

// At a stop, too, which may have cut the session's last answer short.
Result<void> StreamEnds::carry_sequences(const Until& until) {
  if (!source_->session.usable()) source_ = TRY(look_at_source(options_, until));
  return sequences_.carry(source_->session, claimed_->control, claimed_->owner, until);
}

Result<bool> StreamEnds::look_at_tables(model::Lsn applied, Look look, const Until& until) {
  if (look == Look::when_due && !TRY(shapes_.is_due(*source_, until))) return false;
  return shapes_.look(*source_, *claimed_, applied, until);
}

// A description that the catalog knows nothing of is older than it, or tells of a time between two changes of which the
// later took the former back.
Result<void> StreamEnds::look_into(const model::LogTable& log, const Until& until) {
  if (TRY(shapes_.look(*source_, *claimed_, {}, until)) || shapes_.accept(log)) return {};
  return shapes_.give_up(*claimed_, log, until);
}

// What keeps a stream from being taken over, `status` finds by itself.
Result<void> StreamEnds::record_end(const Error& why, const Until& until) {
  if (!claimed_ || claimed_->owner.epoch == 0) return {};
  return record_end_of_stream(claimed_->control, claimed_->owner, why, until);
}

std::unique_ptr<pipeline::RecopyEnds> StreamEnds::recopy_ends() {
  return std::make_unique<RecopyEnds>(RecopyStream{options_, claimed_->owner, *claimed_->stream,
                                                   source_->session.reported("client_encoding"), &publishing_,
                                                   &recopy_slot_, &looks_});
}

}  // namespace tributary::postgres::sync
