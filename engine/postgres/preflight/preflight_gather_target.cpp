#include <algorithm>

#include "engine/postgres/catalog/firing.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/catalog/read_only.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/made.h"
#include "engine/postgres/preflight/preflight_gather.h"

namespace tributary::postgres {
namespace {

constexpr int objects_at_most = 20;
constexpr const char* own_sessions = "tributary/";

constexpr const char* rights_query =
    "SELECT pg_has_role(datdba, 'USAGE'), has_database_privilege(oid, 'CREATE')"
    " FROM pg_database WHERE datname = current_database()";

constexpr const char* table_count_query =
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    " AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '_tributary')";

std::set<std::string> set_of(const Rows& rows) {
  const std::vector<std::string> all = first_column(rows);
  return {all.begin(), all.end()};
}

std::vector<model::Table> tables_of(const SourceDatabase& source) {
  std::vector<model::Table> tables;
  for (const CatalogTable& table : source.tables) tables.push_back(table.table);
  return tables;
}

std::vector<model::Name> names_of(const std::vector<model::Table>& tables) {
  std::vector<model::Name> names;
  for (const model::Table& table : tables) names.push_back(table.name);
  return names;
}

std::vector<model::Name> partitioned_above(const SourceDatabase& source) {
  std::set<model::Name> above;
  for (const CatalogTable& table : source.tables) above.insert(table.partition_of.begin(), table.partition_of.end());
  return {above.begin(), above.end()};
}

// The ledger, where there is one. A role that may not read it may not copy either, so its refusal is a fact.
Result<void> read_ledger(Connection& connection, const std::string& key, const SourceDatabase& source,
                         TargetDatabase& database, const Until& until) {
  const std::optional<int> version = TRY(read_control_version(connection, until));
  if (!version) return {};
  if (*version > control_version) return too_new(*version);
  database.former = TRY(read_replication(connection, key, until));
  const Rows others =
      TRY(connection.query("SELECT key, source_system, source_database, state = 'complete',"
                           " to_char(completed AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                           " FROM _tributary.replication WHERE key <> $1 ORDER BY key",
                           {key}, until));
  for (int row = 0; row < others.size(); ++row)
    database.others.push_back(
        {others.str(row, 0), {others.str(row, 1), others.str(row, 2)}, others.boolean(row, 3), others.str(row, 4)});
  const Rows known = TRY(connection.query(
      "SELECT schema_name, table_name FROM _tributary.table_state WHERE replication = $1", {key}, until));
  std::set<model::Name> recorded;
  for (int row = 0; row < known.size(); ++row) recorded.insert({known.str(row, 0), known.str(row, 1)});
  for (const CatalogTable& table : source.tables)
    if (!recorded.contains(table.table.name)) database.unrecorded.push_back(table.table.name);
  return {};
}

Result<void> read_taken(Connection& connection, const std::string& key, const std::vector<model::Table>& tables,
                        TargetDatabase& database, const Until& until) {
  const bool shared = std::any_of(database.others.begin(), database.others.end(),
                                  [](const OtherReplication& other) { return !other.complete; });
  if (!shared) return {};
  const Rows rows =
      TRY(connection.query("SELECT t.schema_name, t.table_name, t.replication FROM _tributary.table_state t"
                           " JOIN _tributary.replication r ON r.key = t.replication AND r.key <> $1"
                           " AND r.state <> 'complete'",
                           {key}, until));
  std::set<model::Name> wanted;
  for (const model::Table& table : tables) wanted.insert(table.name);
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name name{rows.str(row, 0), rows.str(row, 1)};
    if (wanted.contains(name)) database.taken.push_back(display(name) + " of replication " + rows.str(row, 2));
  }
  return {};
}

// What an attempt before this one has made is not in its way.
Result<void> read_owned_taken(Connection& connection, const api::Spec& spec, const std::string& key,
                              const std::set<model::Name>& owners, PairFacts& pair, const Until& until) {
  TargetDatabase& database = pair.target;
  const bool drops = to_drop(spec.snapshot, pair.whole, database.former) == Drop::tables;
  std::vector<OwnedName> owned = pair.source.owned;
  std::erase_if(owned, [&](const OwnedName& each) { return !owners.contains(each.table); });
  database.owned_taken = TRY(owned_names_taken(connection, owned, drops ? Existing::go : Existing::stay, until));
  if (!database.former || database.owned_taken.empty()) return {};
  const Made made = TRY(read_made(connection, key, until));
  std::erase_if(database.owned_taken, [&](const model::Name& name) { return made.relations.contains(name); });
  return {};
}

constexpr const char* default_acl_query =
    "SELECT 'on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'"
    " WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END"
    " || COALESCE(' in schema ' || quote_ident(n.nspname), '') || ': ' || d.defaclacl::text"
    " FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace"
    " WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1";

// What others made to depend on a table that is dropped or taken back. What the ledger knows goes with it.
Result<void> read_dependants(Connection& connection, const api::Spec& spec, const std::string& key, bool whole,
                             TargetDatabase& database, const Until& until) {
  const bool drops = to_drop(spec.snapshot, whole, database.former) == Drop::tables;
  const bool rewinds = database.former && !(spec.snapshot.resume_per_table && !database.former->complete);
  if (!drops && !rewinds) return {};
  const Made made = database.former ? TRY(read_made(connection, key, until)) : Made{};
  std::vector<model::Name> gone;
  for (const model::Name& name : database.existing)
    if (drops || made.relations.contains(name)) gone.push_back(name);
  std::set<std::string> others;
  for (const Dependant& each : TRY(dependants(connection, gone, until)))
    if (!made.holds(each)) others.insert(each.object);
  database.dependants.assign(others.begin(), others.end());
  return {};
}

// The large objects that are to come and are there already, whosever they are but this replication's.
Result<void> read_large_objects(Connection& connection, const std::string& key, const SourceDatabase& source,
                                TargetDatabase& database, const Until& until) {
  if (source.large_object_ids.empty()) return {};
  const std::string others = database.former ? " AND NOT EXISTS (SELECT FROM _tributary.large_object l"
                                               " WHERE l.replication = $2 AND l.id = m.oid)"
                                             : " AND $2 <> ''";
  const Rows rows = TRY(connection.query("SELECT m.oid FROM pg_largeobject_metadata m WHERE m.oid = ANY ($1::oid[])" +
                                             others + " ORDER BY 1 LIMIT " + std::to_string(objects_at_most),
                                         {array_literal(source.large_object_ids), key}, until));
  database.large_objects = first_column(rows);
  return {};
}

// Where the copy goes beside what is there.
Result<void> read_place(Connection& connection, const api::Spec& spec, const std::string& key, PairFacts& pair,
                        const Until& until) {
  TargetDatabase& database = pair.target;
  const std::vector<model::Table> tables = tables_of(pair.source);
  database.existing = TRY(existing_tables(connection, tables, until));
  const std::vector<model::Name> names = names_of(tables);
  const std::vector<model::Name> above = partitioned_above(pair.source);
  database.names_taken = TRY(names_taken(connection, names, above, until));
  std::set<model::Name> owners(names.begin(), names.end());
  owners.insert(above.begin(), above.end());
  TRY(read_owned_taken(connection, spec, key, owners, pair, until));
  // What an earlier copy brought is the source's.
  if (!database.former) database.default_acls = first_column(TRY(connection.query(default_acl_query, until)));
  TRY(read_taken(connection, key, tables, database, until));
  TRY(read_dependants(connection, spec, key, pair.whole, database, until));
  TRY(read_large_objects(connection, key, pair.source, database, until));
  if (to_drop(spec.snapshot, pair.whole, database.former) == Drop::tables) return {};
  // Rows of tables that the ledger knows are its own, and an engine at work holds them locked.
  std::vector<model::Table> unknown;
  const std::set<model::Name> unrecorded(database.unrecorded.begin(), database.unrecorded.end());
  for (const model::Table& table : tables)
    if (!database.former || unrecorded.contains(table.name)) unknown.push_back(table);
  database.rights = TRY(read_table_rights(connection, names_of(unknown), until));
  // A table that may not be looked into is told of by its rights.
  if (!database.rights.denied.empty()) return {};
  database.filled = TRY(tables_with_rows(connection, unknown, until));
  database.misfits = TRY(misfits(connection, unknown, until));
  database.fit = TRY(read_column_fit(connection, unknown, until));
  // As the sessions that write.
  TRY(ask_to_be_replica(connection, until));
  const Writing writing = spec.mode == api::Mode::snapshot ? Writing::copy : Writing::changes;
  for (const Firing& each : TRY(read_firing(connection, names_of(unknown), writing, until)))
    database.firing.push_back(each.what + " (" + each.remedy + ")");
  return {};
}

}  // namespace

Result<void> read_target_database(const Parameters& parameters, const api::Spec& spec, const std::string& key,
                                  PairFacts& pair, const Until& until) {
  Connection connection = TRY(open_preflight_session(for_database(parameters, pair.target_name), until));
  TargetDatabase& database = pair.target;
  database.facts = TRY(read_current_database(connection, until));
  const Rows rights = TRY(connection.query_row(rights_query, {}, until));
  database.owned = rights.boolean(0, 0);
  database.may_create = rights.boolean(0, 1);
  database.read_only_by = TRY(read_only_by(connection, until));
  database.closed_schemas = set_of(
      TRY(connection.query("SELECT nspname FROM pg_namespace WHERE NOT has_schema_privilege(oid, 'CREATE')", until)));
  database.extensions = TRY(read_extensions(connection, until));
  database.objects = TRY(user_objects(connection, objects_at_most, until));
  database.tables = static_cast<std::uint64_t>(TRY(connection.query_row(table_count_query, {}, until)).integer(0, 0));
  TRY(read_ledger(connection, key, pair.source, database, until));
  if (to_drop(spec.snapshot, pair.whole, database.former) != Drop::database)
    return read_place(connection, spec, key, pair, until);
  database.sessions = TRY(other_sessions(connection, own_sessions, until));
  database.drop_obstacles = TRY(drop_obstacles(connection, until));
  return {};
}

}  // namespace tributary::postgres
