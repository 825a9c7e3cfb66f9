#include "engine/postgres/verify/refusals.h"

#include <optional>
#include <string>

#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/preflight/preflight_checks.h"
#include "engine/postgres/preflight/preflight_facts.h"

namespace tributary::postgres::verify {
namespace {

struct Place {
  Server server;
  Database database;
};

Result<Place> read_place(Connection& connection, const Until& until) {
  return Place{TRY(read_server(connection, until)), TRY(read_current_database(connection, until))};
}

// Which has not been started twice: a physical copy is another database, and may be compared.
bool is_same(const Place& a, const Place& b) {
  return same_server(a.server, b.server) && a.server.start_time == b.server.start_time &&
         a.database.id == b.database.id;
}

struct Looked {
  pipeline::DatabaseTables held;
  bool is_compared_with_itself = false;
};

Result<Looked> look_at(const api::Spec& spec, const std::string& from, const std::string& into, const Until& until) {
  const Parameters end = TRY(resolve_database(spec.source, "source", from));
  Connection source = TRY(open_source_session(end, "verify", until));
  Looked looked{candidates(from, TRY(read_tables(source, until)))};
  const Place here = TRY(read_place(source, until));
  const Parameters parameters = TRY(resolve_database(spec.target, "target", into));
  Result<Connection> target = open_data_session(parameters, until);
  if (!target && target.error().fault == Fault::transient) return target.error();
  if (!target) return looked;
  const Result<Place> there = read_place(*target, until);
  looked.is_compared_with_itself = there && is_same(here, *there);
  return looked;
}

api::Finding compared_with_itself(const std::string& database) {
  return {api::Severity::error, "SameDatabase", database_subject(database),
          "source and target are this same database, and comparing it with itself proves nothing",
          "name the database that it was copied to as the target"};
}

}  // namespace

Result<std::vector<api::Finding>> find_refusals(const api::Spec& spec, const Until& until) {
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec.selection));
  const Parameters end = TRY(resolve(spec.source, "source"));
  Connection source = TRY(open_source_session(end, "verify", until));
  const std::string own = TRY(read_current_database(source, until)).name;
  const std::vector<Database> databases = TRY(read_databases(source, until));
  const Parameters target = TRY(resolve(spec.target, "target"));
  const auto named = target.find("dbname");
  const std::string given = named == target.end() ? "" : named->second;
  std::vector<api::Finding> findings;
  std::vector<pipeline::DatabaseTables> held;
  bool all_read = true;
  for (const std::string& name : selection.databases(selectable(databases), own)) {
    Result<Looked> looked = look_at(spec, name, selection.target_of(name, own, given), until);
    if (!looked && (looked.error().fault == Fault::cancelled || looked.error().fault == Fault::transient))
      return looked.error();
    all_read = all_read && looked;
    if (!looked) continue;
    if (looked->is_compared_with_itself) findings.push_back(compared_with_itself(name));
    held.push_back(std::move(looked->held));
  }
  if (!all_read) return findings;  // what a database that could not be read holds is not known
  for (const pipeline::Unmatched& each : find_unmatched(selection, databases, own, held))
    findings.push_back(finding_of(each));
  return findings;
}

}  // namespace tributary::postgres::verify
