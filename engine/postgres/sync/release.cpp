#include "engine/postgres/sync/release.h"

#include <optional>
#include <string>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/publication.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/slot.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/position.h"

namespace tributary::postgres::sync {
namespace {

// A walsender of an engine that has ended goes when its server notices; who asks tries again meanwhile, and says why.
constexpr Milliseconds slot_patience{5'000};
constexpr std::size_t named_at_most = 5;

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

// Publication of the same name.
Result<void> drop(Connection& source, const std::string& slot, bool owns_publication, const Until& until) {
  TRY(drop_slot(source, slot, slot_patience, until));
  return owns_publication ? drop_publication(source, slot, until) : Result<void>{};
}

Result<void> untold(const Error& error, pipeline::Remember remember) {
  if (remember == pipeline::Remember::nothing) return error;
  log::info("released without the target's ledger", {{"error", describe(error)}});
  return {};
}

// Nobody else can have what is called by a declared name, so it goes without the target's word too. No engine can go on
// from a ledger whose slot is gone, whether it is told or not; it has to be asked only for what is to be forgotten.
Result<void> release_declared(const StreamOptions& options, SourceSide& source, pipeline::Remember remember,
                              const Until& until) {
  Result<Claimed> claimed = claim(options, source, until);
  if (!claimed && claimed.error().fault == Fault::fenced) return claimed.error();
  const std::string own = stream_object_name(source.key, source.identity.database);
  if (!claimed || !claimed->stream) {
    TRY(drop(source.session, own, true, until));
    return claimed ? Result<void>{} : untold(claimed.error(), remember);
  }
  const Result<void> told = let_go(*claimed, remember, until);
  if (!told && told.error().fault == Fault::fenced) return told;
  TRY(drop_slot(source.session, claimed->stream->slot, slot_patience, until));
  if (claimed->stream->owns_publication) TRY(drop_publication(source.session, own, until));
  return told ? told : untold(told.error(), remember);
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

Result<void> release_by_hand(const StreamOptions& options, SourceSide& source, pipeline::Remember remember,
                             const Until& until) {
  Result<Claimed> claimed = claim(options, source, until);
  const bool is_gone = !claimed && (claimed.error().fault == Fault::missing || claimed.error().fault == Fault::invalid);
  if (is_gone) return refused(source, claimed.error(), until);
  if (!claimed) return claimed.error();
  if (!claimed->stream) return release_leftover(source, *claimed, until);
  if (claimed->stream->slot != claimed->name) return of_another_target(*claimed);
  TRY(let_go(*claimed, remember, until));
  return drop(source.session, claimed->name, claimed->stream->owns_publication, until);
}

}  // namespace

Result<void> release(const StreamOptions& options, pipeline::Remember remember, const Until& until) {
  SourceSide source = TRY(look_at_source(options, until));
  return options.replication.empty() ? release_by_hand(options, source, remember, until)
                                     : release_declared(options, source, remember, until);
}

}  // namespace tributary::postgres::sync
