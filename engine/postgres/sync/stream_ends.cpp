#include "engine/postgres/sync/stream_ends.h"

#include <utility>

#include "engine/postgres/apply/applier.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/stream/logical_stream.h"
#include "engine/postgres/sync/position.h"

namespace tributary::postgres::sync {
// The lock first: what is read under it stays true. A control session that was lost has lost it, maybe to another
// engine, so it is taken anew each time.
Result<std::unique_ptr<pipeline::Applier>> StreamEnds::applier(const Until& until) {
  claimed_.reset();
  source_ = TRY(look_at_source(options_, until));
  claimed_ = TRY(claim(options_, *source_, until));
  TRY(require_stream(*claimed_, source_->identity));
  const int timeline = TRY(check_position(options_, *source_, *claimed_, until));
  Owner& owner = claimed_->owner;
  TRY(end_old_sessions(claimed_->control, owner.key, until));
  owner.epoch = TRY(begin_stream_epoch(claimed_->control, owner, timeline, until));
  TRY(end_old_sessions(claimed_->control, owner.key, until));
  Connection session = TRY(open_stream_session(options_, *source_, "applier", until));
  TRY(shapes_.look(*source_, *claimed_, {}, until));
  return apply::open_applier(std::move(session), owner, until, this);
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
  const SlotState slot = TRY(read_live_slot(source_->session, name, until));
  pipeline::SlotHealth health{name, slot.source_end, slot.retained};
  const std::uint64_t limit = options_.sync.max_retained_wal;
  if (limit != 0 && slot.retained > limit)
    health.warning = "the source keeps " + std::to_string(slot.retained) + " bytes of its log for slot " + name +
                     ", more than the limit of " + std::to_string(limit) +
                     ": find out why the target falls behind, or release the stream";
  return health;
}

Result<void> StreamEnds::carry_sequences(const Until& until) {
  return sequences_.carry(source_->session, claimed_->control, claimed_->owner, until);
}

Result<bool> StreamEnds::look_at_tables(model::Lsn applied, const Until& until) {
  if (!shapes_.is_due()) return false;
  return shapes_.look(*source_, *claimed_, applied, until);
}

// A description that the catalog knows nothing of is older than it, or tells of a time between two changes of which the
// later took the former back.
Result<void> StreamEnds::look_into(const model::LogTable& log, const Until& until) {
  if (TRY(shapes_.look(*source_, *claimed_, {}, until)) || shapes_.accept(log)) return {};
  return shapes_.give_up(*claimed_, log, until);
}

}  // namespace tributary::postgres::sync
