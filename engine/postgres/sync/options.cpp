#include "engine/postgres/sync/options.h"

#include "engine/pipeline/patience.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres::sync {
namespace {

Resolve of_database(const api::Endpoint& endpoint, std::string_view which, const std::string& name) {
  return [&endpoint, which, name] { return resolve_database(endpoint, which, name); };
}

}  // namespace

StreamOptions stream_options(const api::Spec& spec, const pipeline::Selection& selection,
                             const pipeline::DatabasePair& databases) {
  StreamOptions options;
  options.source = of_database(spec.source, "source", databases.source);
  options.target = of_database(spec.target, "target", databases.target);
  options.replication = spec.replication;
  options.selection = digest_of(selection.table_entries_of(databases.source));
  options.attempt = spec.attempt;
  options.lock_patience = pipeline::lock_patience(spec);
  return options;
}

}  // namespace tributary::postgres::sync
