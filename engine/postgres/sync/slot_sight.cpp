#include "engine/postgres/sync/slot_sight.h"

#include "engine/postgres/sync/position.h"

namespace tributary::postgres::sync {

Result<pipeline::SlotHealth> SlotSight::look(const Until& until) {
  if (!source_ || !source_->session.usable()) source_ = TRY(look_at_source(options_, until));
  if (slot_.empty())
    slot_ = options_.replication.empty() ? TRY(look_at_target(options_, *source_, until)).name
                                         : stream_object_name(source_->key, source_->identity.database);
  const SlotState slot = TRY(read_live_slot(source_->session, slot_, until));
  return pipeline::SlotHealth{slot_, slot.source_end, slot.retained};
}

}  // namespace tributary::postgres::sync
