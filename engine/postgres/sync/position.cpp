#include "engine/postgres/sync/position.h"

#include <optional>
#include <utility>

#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/replication.h"
#include "engine/postgres/replication/slot_verdict.h"

namespace tributary::postgres::sync {
namespace {

Error never_initialised(const std::string& database) {
  return {Fault::invalid, "database " + database + " was never prepared for continuous sync into this target",
          "run tributary init --sync first, or give the object the mode SnapshotAndSync"};
}

// As servers up to 15 say it, and from 16 on. Some services give the right by a role of their own.
bool is_about_right(const std::string& words) {
  return words.find("must be superuser or replication role to start walsender") != std::string::npos ||
         words.find("permission denied to start WAL sender") != std::string::npos;
}

Result<Connection> open_position_session(const Parameters& parameters, const Connection& source, const Until& until) {
  Result<Connection> session = open_replication_session(parameters, "position", until);
  if (session || !is_about_right(session.error().what)) return session;
  const std::string role = source.reported("session_authorization");
  return Error{Fault::denied, "role " + role + " may not stream from the source: " + session.error().what,
               "ALTER ROLE " + quote_identifier(role) + " REPLICATION on the source, or connect as a role that has it"};
}

}  // namespace

Error of_another_target(const Claimed& claimed) {
  return {Fault::invalid,
          "the target's ledger tells of replication slot " + claimed.stream->slot +
              ", which was made for another target: this database is a copy of it, or was renamed or moved since",
          "give it its former name, or copy anew with tributary init --sync --drop-existing"};
}

// A role may not read the identifier of its system, which then is "": check_position() learns it in another way.
Result<void> require_stream(const Claimed& claimed, const pipeline::SourceIdentity& source) {
  if (!claimed.replication) return never_initialised(source.database);
  const pipeline::SourceIdentity& known = claimed.replication->source;
  const bool other_system = !known.system.empty() && !source.system.empty() && known.system != source.system;
  if (other_system || known.database != source.database)
    return Error{Fault::lost, "another server or database answers as the source of replication " + claimed.owner.key,
                 "give the replication back its source, or take a new snapshot"};
  if (!claimed.replication->complete)
    return Error{Fault::invalid, "the snapshot of database " + source.database + " is not complete",
                 "run tributary init --sync again"};
  if (!claimed.stream) return never_initialised(source.database);
  if (claimed.stream->slot != claimed.name) return of_another_target(claimed);
  if (claimed.stream->released)
    return Error{Fault::lost, "the stream of database " + source.database + " was released",
                 "take a new snapshot to follow the source again"};
  return {};
}

Result<SourceStanding> check_position(const StreamOptions& options, SourceSide& source, const Claimed& claimed,
                                      const Until& until) {
  const StreamRow& row = *claimed.stream;
  const Parameters parameters = TRY(options.source());
  Connection session = TRY(open_position_session(parameters, source.session, until));
  SourceMark now;
  now.system = TRY(identify_system(session, until));
  now.history = TRY(read_timeline_history(session, now.system.timeline, until));
  now.slot = TRY(read_slot(source.session, row.slot, until));
  now.has_publication = TRY(read_publication(source.session, row.publication, until)).has_value();
  TRY(judge({row.slot, source.identity.database, claimed.replication->source.system, row.timeline, row.position.applied,
             row.owns_publication ? row.publication : ""},
            now));
  return SourceStanding{now.system.timeline, now.slot->confirmed_flush};
}

Result<SlotState> read_live_slot(Connection& source, const std::string& name, const Until& until) {
  std::optional<SlotState> slot = TRY(read_slot(source, name, until));
  TRY(judge_slot(name, slot));
  return *std::move(slot);
}

}  // namespace tributary::postgres::sync
