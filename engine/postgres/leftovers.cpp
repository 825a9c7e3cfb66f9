#include "engine/postgres/leftovers.h"

#include <optional>
#include <string>

#include "engine/base/log.h"
#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/control_schema.h"
#include "engine/postgres/endpoint.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/publication.h"
#include "engine/postgres/servers.h"
#include "engine/postgres/session_lock.h"
#include "engine/postgres/session_settings.h"
#include "engine/postgres/slot.h"

namespace tributary::postgres {
namespace {

constexpr Milliseconds slot_patience{2'000};

// Under the lock: what is read stays true.
Result<bool> is_complete(Connection& target, const std::string& key, const Until& until) {
  if (!TRY(read_control_version(target, until))) return false;
  const std::optional<ReplicationRow> row = TRY(read_replication(target, key, until));
  return row && row->complete;
}

Result<void> drop_leftover(const api::Spec& spec, const std::string& selected, const pipeline::DatabasePair& pair,
                           const Until& until) {
  const Parameters from = TRY(resolve_database(spec.source, "source", pair.source));
  Connection source = TRY(open_source_session(from, "leftovers", until));
  const pipeline::SourceIdentity identity{TRY(read_server(source, until)).system_identifier, pair.source};
  const std::string key = replication_key(spec.replication, identity, selected);
  const Parameters to = TRY(resolve_database(spec.target, "target", pair.target));
  Connection target = TRY(open_data_session(to, until));
  const std::string into = TRY(read_target_identity(target, spec.replication, pair.target, until));
  const std::string name = stream_object_name(key, pair.source, into);
  const bool any = TRY(read_slot(source, name, until)) || TRY(read_publication(source, name, until));
  if (!any || !TRY(take_session_lock(target, {key, spec.attempt}, until)).empty()) return {};
  if (TRY(is_complete(target, key, until))) return {};
  TRY(drop_slot(source, name, slot_patience, until));
  TRY(drop_publication(source, name, until));
  log::info("dropped what a copy left on the source that did not end", {{"database", pair.source}, {"slot", name}});
  return {};
}

}  // namespace

Result<void> drop_leftovers(const api::Spec& spec, const Until& until) {
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec.selection));
  Result<void> first;
  for (const pipeline::DatabasePair& pair : TRY(make_servers(spec)->databases(until))) {
    const std::string selected = digest_of(selection.table_entries_of(pair.source));
    Result<void> dropped = drop_leftover(spec, selected, pair, until);
    const bool nothing = !dropped && dropped.error().fault == Fault::missing;  // no target, and so no attempt
    if (!dropped && !nothing && first) first = std::move(dropped);
  }
  return first;
}

}  // namespace tributary::postgres
