#include "engine/postgres/snapshot/leftovers.h"

#include <optional>
#include <string>

#include "engine/base/log.h"
#include "engine/pipeline/patience.h"
#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/roles/database_statements.h"
#include "engine/postgres/snapshot/servers.h"

namespace tributary::postgres {
namespace {

constexpr Milliseconds patience{2'000};
constexpr Milliseconds look_again{50};

// Under the lock: what is read stays true.
Result<bool> is_complete(Connection& target, const std::string& key, const Until& until) {
  if (!TRY(read_control_version(target, until))) return false;
  const std::optional<ReplicationRow> row = TRY(read_replication(target, key, until));
  return row && row->complete;
}

// By its mark it is nobody else's, and nothing came into it.
Result<bool> is_made_in_vain(Connection& target, const Until& until) {
  return TRY(is_undescribed(target, until)) && !TRY(read_control_version(target, until)) &&
         TRY(user_objects(target, 1, until)).empty();
}

Result<void> drop_made(const api::Spec& spec, const std::string& database, const Until& until) {
  const Parameters other =
      TRY(resolve_database(spec.target, "target", database == "postgres" ? "template1" : "postgres"));
  Connection maintenance = TRY(open_data_session(other, until));
  return maintenance.execute("DROP DATABASE " + quote_identifier(database), until);
}

// Whether the target's database is to go as well.
Result<bool> drop_from_source(const api::Spec& spec, const std::string& selected, const pipeline::DatabasePair& pair,
                              const Until& until) {
  const Parameters from = TRY(resolve_database(spec.source, "source", pair.source));
  Connection source = TRY(open_source_session(from, "leftovers", until));
  const pipeline::SourceIdentity identity{TRY(read_server(source, until)).system_identifier, pair.source};
  const std::string key = replication_key(spec.replication, identity, selected);
  const Parameters to = TRY(resolve_database(spec.target, "target", pair.target));
  Connection target = TRY(open_data_session(to, until));
  const std::string into = TRY(read_target_identity(target, spec.replication, pair.target, until));
  const std::string name = stream_object_name(key, pair.source, into);
  // The copy's own session ends when its server notices.
  const auto ask = [&] { return take_session_lock(target, {key, spec.attempt}, until); };
  if (!TRY(pipeline::wait_for_lock(ask, patience, look_again, until)).empty()) return false;
  if (TRY(is_complete(target, key, until))) return false;
  if (TRY(read_slot(source, name, until)) || TRY(read_publication(source, name, until))) {
    TRY(drop_slot(source, name, patience, until));
    TRY(drop_publication(source, name, until));
    log::info("dropped what a copy left on the source that did not end", {{"database", pair.source}, {"slot", name}});
  }
  return is_made_in_vain(target, until);
}

}  // namespace

Result<void> drop_leftovers(const api::Spec& spec, const Until& until) {
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec.selection));
  Result<void> first;
  for (const pipeline::DatabasePair& pair : TRY(make_servers(spec)->databases(until))) {
    const std::string selected = digest_of(selection.table_entries_of(pair.source));
    const Result<bool> in_vain = drop_from_source(spec, selected, pair, until);
    if (!in_vain && in_vain.error().fault == Fault::missing) continue;  // no target, and so no attempt
    const Result<void> dropped = !in_vain   ? Result<void>(in_vain.error())
                                 : *in_vain ? drop_made(spec, pair.target, until)
                                            : Result<void>{};
    if (!dropped && first) first = dropped;
  }
  return first;
}

}  // namespace tributary::postgres
