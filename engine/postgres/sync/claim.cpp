#include "engine/postgres/sync/claim.h"

#include <utility>

#include "engine/pipeline/patience.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/catalog/read_only.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/replication/slot.h"

namespace tributary::postgres::sync {
namespace {

constexpr Milliseconds look_again{500};
// Whoever keeps a table of the source to himself must not hold the stream up: sizes and definitions wait for him.
constexpr const char* lock_patience = "SET lock_timeout = '10s'";

Result<void> read_ledger(const StreamOptions& options, const SourceSide& source, Claimed& claimed, const Until& until) {
  const std::string database = TRY(read_current_database(claimed.control, until)).name;
  const std::string into = TRY(read_target_identity(claimed.control, options.replication, database, until));
  claimed.name = stream_object_name(source.key, source.identity.database, into);
  const std::optional<int> version = TRY(read_control_version(claimed.control, until));
  if (!version) return {};
  if (*version > control_version) return too_new(*version);
  if (*version < first_version_with_streams) return {};
  claimed.replication = TRY(read_replication(claimed.control, claimed.owner.key, until));
  claimed.stream = TRY(read_stream(claimed.control, claimed.owner.key, until));
  return {};
}

}  // namespace

Result<SourceSide> look_at_source(const StreamOptions& options, const Until& until) {
  const Parameters parameters = TRY(options.source());
  SourceSide side{TRY(open_source_session(parameters, "sync", until)), {}, ""};
  TRY(side.session.execute(lock_patience, until));
  side.identity.system = TRY(read_server(side.session, until)).system_identifier;
  side.identity.database = TRY(read_current_database(side.session, until)).name;
  side.key = replication_key(options.replication, side.identity, options.selection);
  return side;
}

Result<Connection> open_stream_session(const StreamOptions& options, const SourceSide& source, std::string_view purpose,
                                       const Until& until) {
  const Parameters parameters = TRY(options.target());
  return open_target_session(parameters, session_prefix(source.key) + std::string(purpose),
                             source.session.reported("client_encoding"), until);
}

Result<Claimed> look_at_target(const StreamOptions& options, const SourceSide& source, const Until& until) {
  Claimed claimed{TRY(open_stream_session(options, source, "status", until)), {source.key, options.attempt, 0}, {}, {}};
  TRY(read_ledger(options, source, claimed, until));
  return claimed;
}

Result<void> require_writable(Connection& target, const Until& until) {
  const std::string whose = TRY(read_only_by(target, until));
  if (whose.empty()) return {};
  return Error{Fault::invalid,
               "the target is read-only: default_transaction_read_only is on in database " +
                   TRY(read_current_database(target, until)).name + ", set for " + whose,
               "take that setting back (ALTER ... RESET default_transaction_read_only); the stream goes on from where "
               "it is"};
}

Result<Claimed> claim(const StreamOptions& options, const SourceSide& source, const Until& until) {
  Claimed claimed{
      TRY(open_stream_session(options, source, "control", until)), {source.key, options.attempt, 0}, {}, {}};
  const auto ask = [&] { return take_session_lock(claimed.control, {source.key, options.attempt}, until); };
  const std::string holder = TRY(pipeline::wait_for_lock(ask, options.lock_patience, look_again, until));
  if (!holder.empty()) return pipeline::kept_out_by(holder);
  if (TRY(read_control_version(claimed.control, until))) TRY(ensure_control_schema(claimed.control, until));
  TRY(read_ledger(options, source, claimed, until));
  if (claimed.replication && claimed.replication->attempt > options.attempt)
    return Error{Fault::fenced, "attempt " + std::to_string(claimed.replication->attempt) + " of replication " +
                                    source.key + " has begun; this is attempt " + std::to_string(options.attempt)};
  return claimed;
}

}  // namespace tributary::postgres::sync
