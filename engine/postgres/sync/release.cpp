#include "engine/postgres/sync/release.h"

#include <optional>
#include <string>
#include <utility>

#include "engine/postgres/publication.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/slot.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {
namespace {

// A walsender of an engine that has ended goes when its server notices.
constexpr Milliseconds slot_patience{65'000};

Result<void> forget(Claimed& claimed, const Until& until) {
  TRY(claimed.control.execute("BEGIN", until));
  const Result<void> forgotten = forget_replication(claimed.control, claimed.owner, until);
  if (forgotten) return claimed.control.execute("COMMIT", until);
  claimed.control.roll_back();
  return forgotten;
}

Result<void> let_go(Claimed& claimed, pipeline::Remember remember, const Until& until) {
  claimed.owner.epoch = TRY(begin_stream_epoch(claimed.control, claimed.owner, claimed.stream->timeline, until));
  TRY(end_old_sessions(claimed.control, claimed.owner.key, until));
  if (remember == pipeline::Remember::nothing) return forget(claimed, until);
  return in_transaction(claimed.control, claimed.owner, until,
                        [&] { return mark_released(claimed.control, claimed.owner, until); });
}

Result<void> release_target(const StreamOptions& options, const SourceSide& source, pipeline::Remember remember,
                            std::optional<StreamRow>& row, const Until& until) {
  Claimed claimed = TRY(claim(options, source, until));
  row = claimed.stream;
  if (!row) return {};
  return let_go(claimed, remember, until);
}

}  // namespace

Result<void> release(const StreamOptions& options, pipeline::Remember remember, const Until& until) {
  SourceSide source = TRY(look_at_source(options, until));
  std::optional<StreamRow> row;
  const Result<void> told = release_target(options, source, remember, row, until);
  if (!told && told.error().fault == Fault::fenced) return told;
  const std::string own = stream_object_name(source.key, source.identity.database);
  TRY(drop_slot(source.session, row ? row->slot : own, slot_patience, until));
  if (!row || row->owns_publication) TRY(drop_publication(source.session, own, until));
  return told;
}

}  // namespace tributary::postgres::sync
