#include "engine/postgres/sync/release.h"

#include <optional>
#include <string>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/ledger/target_data.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/position.h"

namespace tributary::postgres::sync {
namespace {

// A walsender of an engine that has ended goes when its server notices; who asks tries again meanwhile, and says why.
constexpr Milliseconds slot_patience{5'000};
constexpr std::size_t named_at_most = 5;

using Findings = std::vector<api::Finding>;

// Where the target's data is to go, the ledger still has to tell what that is.
Result<void> let_go(Claimed& claimed, pipeline::Keep keep, const Until& until) {
  claimed.owner.epoch = TRY(begin_stream_epoch(claimed.control, claimed.owner, claimed.stream->timeline, until));
  TRY(end_old_sessions(claimed.control, claimed.owner.key, until));
  if (keep == pipeline::Keep::data) return forget_for_good(claimed.control, claimed.owner, until);
  return in_transaction(claimed.control, claimed.owner, until,
                        [&] { return mark_released(claimed.control, claimed.owner, until); });
}

// When the source has what is its own.
Result<Findings> clear_target(Claimed& claimed, pipeline::Keep keep, const Until& until) {
  if (keep != pipeline::Keep::nothing) return Findings{};
  if (claimed.replication) return drop_target_data(claimed.control, claimed.owner, *claimed.replication, until);
  TRY(drop_unused_control_schema(claimed.control, until));
  return Findings{};
}

// Publication of the same name.
Result<void> drop(Connection& source, const std::string& slot, bool owns_publication, const Until& until) {
  TRY(drop_slot(source, slot, slot_patience, until));
  return owns_publication ? drop_publication(source, slot, until) : Result<void>{};
}

Result<Findings> untold(const Error& error, pipeline::Keep keep) {
  const bool is_gone = keep == pipeline::Keep::nothing && error.fault == Fault::missing;
  if (keep != pipeline::Keep::everything && !is_gone) return error;
  log::info("released without the target's ledger", {{"error", describe(error)}});
  return Findings{};
}

// Nobody else can have what is called by a declared name, so it goes without the target's word too. No engine can go on
// from a ledger whose slot is gone, whether it is told or not; it has to be asked only for what is to be forgotten.
Result<Findings> release_declared(const StreamOptions& options, SourceSide& source, pipeline::Keep keep,
                                  const Until& until) {
  Result<Claimed> claimed = claim(options, source, until);
  if (!claimed && claimed.error().fault == Fault::fenced) return claimed.error();
  const std::string own = stream_object_name(source.key, source.identity.database);
  if (!claimed) {
    TRY(drop(source.session, own, true, until));
    return untold(claimed.error(), keep);
  }
  if (!claimed->stream) {
    TRY(drop(source.session, own, true, until));
    return clear_target(*claimed, keep, until);
  }
  const Result<void> told = let_go(*claimed, keep, until);
  if (!told && told.error().fault == Fault::fenced) return told.error();
  TRY(drop_slot(source.session, claimed->stream->slot, slot_patience, until));
  if (claimed->stream->owns_publication) TRY(drop_publication(source.session, own, until));
  if (!told) return untold(told.error(), keep);
  return clear_target(*claimed, keep, until);
}

// How a person drops what no target tells of any more.
Result<std::string> how_to_drop(Connection& source, const Until& until) {
  const Rows slots =
      TRY(source.query("SELECT slot_name FROM pg_catalog.pg_replication_slots"
                       " WHERE database = pg_catalog.current_database() AND NOT temporary ORDER BY slot_name",
                       until));
  std::string names;
  std::size_t count = 0;
  for (int row = 0; row < slots.size() && count < named_at_most; ++row) {
    if (!is_stream_object_name(slots.text(row, 0))) continue;
    names += (count++ == 0 ? "" : ", ") + slots.str(row, 0);
  }
  const std::string same = "give release the ends and the selection that init had";
  if (count == 0) return same + "; the source has no slot for this database";
  return same +
         "; if that target is gone for good, drop the slot and the publication of its name on the source, which"
         " has " +
         names;
}

Result<void> refused(SourceSide& source, Error error, const Until& until) {
  error.hint = TRY(how_to_drop(source.session, until));
  return error;
}

// The name holds the target's identity, so nobody else can have it: a copy left it that was killed before its ledger
// knew of it.
Result<void> release_leftover(SourceSide& source, const Claimed& claimed, const Until& until) {
  const bool any = TRY(read_slot(source.session, claimed.name, until)).has_value() ||
                   TRY(read_publication(source.session, claimed.name, until)).has_value();
  if (any) return drop(source.session, claimed.name, true, until);
  return refused(source,
                 {Fault::invalid, "this target knows nothing of a stream of database " + source.identity.database, ""},
                 until);
}

Result<Findings> release_by_hand(const StreamOptions& options, SourceSide& source, pipeline::Keep keep,
                                 const Until& until) {
  Result<Claimed> claimed = claim(options, source, until);
  const bool is_gone = !claimed && (claimed.error().fault == Fault::missing || claimed.error().fault == Fault::invalid);
  if (is_gone) TRY(refused(source, claimed.error(), until));
  if (!claimed) return claimed.error();
  const bool has_data = keep == pipeline::Keep::nothing && claimed->replication;
  if (!claimed->stream && !has_data) {
    TRY(release_leftover(source, *claimed, until));
    return Findings{};
  }
  if (claimed->stream) {
    if (claimed->stream->slot != claimed->name) return of_another_target(*claimed);
    TRY(let_go(*claimed, keep, until));
  }
  TRY(drop(source.session, claimed->name, !claimed->stream || claimed->stream->owns_publication, until));
  return clear_target(*claimed, keep, until);
}

}  // namespace

Result<Findings> release(const StreamOptions& options, pipeline::Keep keep, const Until& until) {
  SourceSide source = TRY(look_at_source(options, until));
  return options.replication.empty() ? release_by_hand(options, source, keep, until)
                                     : release_declared(options, source, keep, until);
}

}  // namespace tributary::postgres::sync
