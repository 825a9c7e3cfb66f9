#include <algorithm>
#include <thread>

#include "engine/postgres/catalog/read_only.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/copy/large_objects.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/preflight/pooler.h"
#include "engine/postgres/preflight/preflight_checks.h"
#include "engine/postgres/preflight/preflight_gather.h"
#include "engine/postgres/roles/role_facts.h"

namespace tributary::postgres {
namespace {

constexpr Milliseconds connect_limit{20000};
constexpr int large_objects_at_most = 100'000;

Parameters named(Parameters parameters) {
  parameters["application_name"] = "tributary/preflight";
  return parameters;
}

Result<Connection> open_unsettled_session(const Parameters& parameters, const Until& until) {
  return Connection::open(named(parameters), {}, until.within(connect_limit));
}

// A lock that somebody holds must not let a check wait for long.
Result<void> settle(Connection& connection, const Until& until) {
  std::string settings =
      "SET statement_timeout = 0; SET search_path = pg_catalog; SET lock_timeout = '10s';"
      " SET default_transaction_read_only = on";
  // Names of a database without an encoding are bytes that nobody can convert.
  if (connection.reported("server_encoding") == "SQL_ASCII") settings += "; SET client_encoding = 'SQL_ASCII'";
  const Result<void> settled = connection.execute(settings, until);
  if (!settled) return within("settings of a session", settled.error());
  return {};
}

// To be asked before an error is taken for a fact: whoever was stopped has learned nothing, whatever the last call
// says of the one before it.
Result<void> go_on(const Until& until) {
  if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while validating"};
  if (until.deadline.passed()) return Error{Fault::transient, "the time to validate in is over"};
  return {};
}

std::set<std::string> strings(const Rows& rows) {
  std::set<std::string> all;
  for (int row = 0; row < rows.size(); ++row) all.insert(rows.str(row, 0));
  return all;
}

// ------------------------------------------------------------------------------------------------ servers

constexpr const char* role_query =
    "SELECT current_user, rolsuper, rolreplication, rolcreatedb, rolcreaterole"
    " FROM pg_roles WHERE rolname = current_user";
constexpr const char* membership_query =
    "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER') AND rolname = ANY (ARRAY['rds_superuser',"
    " 'rds_replication', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser'])";

// InitializeMaxBackends() in src/backend/utils/init/postinit.c, and NLOCKENTS() in src/backend/storage/lmgr/lock.c.
Result<LockRoom> read_lock_room(Connection& connection, const Until& until) {
  const std::string autovacuum =
      connection.major_version() >= 18 ? "autovacuum_worker_slots" : "autovacuum_max_workers";
  const Rows row = TRY(connection.query_row(
      "SELECT current_setting('max_locks_per_transaction'), sum(setting::bigint)::bigint FROM pg_settings"
      " WHERE name IN ('max_connections', 'max_prepared_transactions', 'max_worker_processes', 'max_wal_senders', $1)",
      {autovacuum}, until));
  return LockRoom{static_cast<std::uint64_t>(row.integer(0, 0)), static_cast<std::uint64_t>(row.integer(0, 1))};
}

Result<void> read_end(Connection& connection, EndFacts& end, const Until& until) {
  end.server = TRY(read_server(connection, until));
  end.role = TRY(read_role(connection, until));
  end.current = TRY(read_current_database(connection, until));
  end.databases = TRY(read_databases(connection, until));
  end.roles = strings(TRY(connection.query("SELECT rolname FROM pg_roles", until)));
  end.provider = provider_of(end.roles);
  std::erase_if(end.roles, [&](const std::string& role) {
    return is_predefined(role) || belonging(role, end.provider) != Belonging::users;
  });
  end.connections = TRY(read_connection_bounds(connection, until));
  end.locks = TRY(read_lock_room(connection, until));
  return {};
}

Result<void> read_target_end(Connection& connection, EndFacts& end, const Until& until) {
  TRY(read_end(connection, end, until));
  const std::string trusted = end.server.major() >= 13 ? "v.trusted" : "false";
  const Rows rows = TRY(connection.query("SELECT v.name, v.version, " + trusted +
                                             ", e.default_version FROM pg_available_extension_versions v"
                                             " JOIN pg_available_extensions e ON e.name = v.name",
                                         until));
  for (int row = 0; row < rows.size(); ++row) {
    AvailableExtension& extension = end.extensions[rows.str(row, 0)];
    extension.versions[rows.str(row, 1)] = rows.boolean(row, 2);
    extension.default_version = rows.str(row, 3);
  }
  end.locales =
      strings(TRY(connection.query("SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate <> ''"
                                   " UNION SELECT datcollate FROM pg_database UNION SELECT datctype FROM pg_database",
                                   until)));
  end.read_only_by = TRY(read_only_by(connection, until));
  // The last statement of this session, so it may stay set.
  const Result<void> replica = connection.execute("SET session_replication_role = replica", until);
  if (!replica && connection.sqlstate().empty()) return replica.error();
  end.may_set_replica_role = replica.ok();
  return {};
}

std::string value_of(const Parameters& parameters, const char* keyword) {
  const auto found = parameters.find(keyword);
  return found == parameters.end() ? "" : found->second;
}

Parameters server_alone(Parameters parameters) {
  parameters.erase("dbname");
  parameters.erase("user");
  return parameters;
}

// The first session with an end.
Result<Connection> reach(const Parameters& parameters, EndFacts& end, const Until& until) {
  Connection connection = TRY(open_unsettled_session(parameters, until));
  end.pooled = shares_backends(connection, named(parameters), until);
  if (end.pooled)
    return Error{Fault::invalid,
                 end.address +
                     " is a pooler that gives one session several server processes, so that its settings, locks and"
                     " snapshots would be lost",
                 "connect to the server itself, or to the pooler's port for session mode"};
  TRY(settle(connection, until));
  return connection;
}

// Where the database that the endpoint names is yet to be created, any other one serves to ask the server.
Result<Connection> reach_anywhere(const Parameters& parameters, EndFacts& end, const Until& until) {
  if (value_of(parameters, "dbname").empty()) return reach(for_database(parameters, "postgres"), end, until);
  Result<Connection> connection = reach(parameters, end, until);
  if (connection || connection.error().fault != Fault::missing) return connection;
  Result<Connection> other = reach(for_database(parameters, "postgres"), end, until);
  return other ? std::move(other) : std::move(connection);
}

Result<Parameters> gather_source(const api::Spec& spec, EndFacts& end, const Until& until) {
  const Parameters parameters = TRY(resolve(spec.source, "source"));
  end.address = describe(server_alone(parameters));
  end.given_database = value_of(parameters, "dbname");
  Connection connection = TRY(reach(parameters, end, until));
  TRY(read_end(connection, end, until));
  return parameters;
}

Result<Parameters> gather_target(const api::Spec& spec, EndFacts& end, const Until& until) {
  const Parameters parameters = TRY(resolve(spec.target, "target"));
  end.address = describe(server_alone(parameters));
  end.given_database = value_of(parameters, "dbname");
  const bool may_be_absent = spec.snapshot.create_database;
  Connection connection = TRY(may_be_absent ? reach_anywhere(parameters, end, until) : reach(parameters, end, until));
  TRY(read_target_end(connection, end, until));
  return parameters;
}

// ------------------------------------------------------------------------------------------------ databases

// pg_dump reads the values of all sequences, whatever is selected and though nothing asks for them (dumpSequenceData).
constexpr const char* sequence_query =
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT IN ('information_schema', '_tributary')"
    " AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid"
    "  AND e.deptype = 'e')"
    " AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')) ORDER BY 1, 2";

// What pg_dump locks in ACCESS SHARE mode, whatever is selected (getTables in src/bin/pg_dump/pg_dump.c), and who may
// do that (LockTableAclCheck in src/backend/commands/lockcmds.c).
std::string unlockable_query(int major) {
  const char* const privileges = major >= 17   ? "SELECT, UPDATE, DELETE, TRUNCATE, MAINTAIN"
                                 : major == 16 ? "SELECT, UPDATE, DELETE, TRUNCATE"
                                               : "SELECT";
  return "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
         " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'"
         " AND n.nspname NOT IN ('information_schema', '_tributary')"
         " AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid"
         "  AND e.deptype = 'e')"
         " AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, '" +
         std::string(privileges) + "')) ORDER BY 1, 2";
}

// Of sequences it takes the lock with the value.
constexpr const char* dumped_query =
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT IN ('information_schema', '_tributary')";

// Of tables on which what is written by a stream fires triggers or rules of users.
constexpr const char* firing_query =
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
    " AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('A', 'R')"
    "   AND (NOT t.tgisinternal OR t.tgconstraint = 0))"
    "  OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R')))"
    " ORDER BY 1, 2";

// A large object may be read by its owner and whom its ACL names; lo_compat_privileges lets everybody.
constexpr const char* large_object_query =
    "SELECT count(*), count(*) FILTER (WHERE NOT (current_setting('lo_compat_privileges')::bool"
    " OR pg_has_role(l.lomowner, 'USAGE') OR EXISTS (SELECT FROM aclexplode(l.lomacl) a"
    " WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))))"
    " FROM pg_largeobject_metadata l";

Result<std::vector<model::Name>> read_names(Connection& connection, const std::string& query, const Until& until) {
  const Rows rows = TRY(connection.query(query, until));
  return names_in(rows);
}

std::set<model::Name> selected_in(const SourceDatabase& database) {
  std::set<model::Name> selected;
  for (const CatalogTable& table : database.tables) selected.insert(table.table.name);
  return selected;
}

Result<std::vector<model::Name>> read_firing_tables(Connection& connection, const SourceDatabase& database,
                                                    const Until& until) {
  const std::set<model::Name> selected = selected_in(database);
  std::vector<model::Name> names = TRY(read_names(connection, firing_query, until));
  std::erase_if(names, [&](const model::Name& name) { return !selected.contains(name); });
  return names;
}

// The selected ones must be read, which is more.
Result<std::vector<model::Name>> read_unlockable(Connection& connection, const SourceDatabase& database,
                                                 const Until& until) {
  const std::set<model::Name> selected = selected_in(database);
  std::vector<model::Name> names = TRY(read_names(connection, unlockable_query(connection.major_version()), until));
  std::erase_if(names, [&](const model::Name& name) { return selected.contains(name); });
  return names;
}

Result<void> read_large_objects(Connection& connection, const api::SnapshotOptions& options, PairFacts& pair,
                                const Until& until) {
  SourceDatabase& database = pair.source;
  const Rows large = TRY(connection.query_row(large_object_query, {}, until));
  database.large_objects = static_cast<std::uint64_t>(large.integer(0, 0));
  database.unreadable_large_objects = static_cast<std::uint64_t>(large.integer(0, 1));
  if (database.large_objects == 0) return {};
  std::vector<std::uint32_t> tables;
  for (const CatalogTable& table : database.tables) tables.push_back(table.table.id);
  database.large_object_tables = TRY(tables_with_large_objects(connection, tables, until));
  if (!takes_large_objects(options, pair)) return {};
  database.large_object_ids = first_column(TRY(connection.query(
      "SELECT oid FROM pg_largeobject_metadata ORDER BY oid LIMIT " + std::to_string(large_objects_at_most), until)));
  return {};
}

// `held` receives all tables, selected or not: what a selection's entries may name.
Result<void> read_source_database(const Parameters& parameters, const pipeline::Selection& selection,
                                  const api::Spec& spec, PairFacts& pair, pipeline::DatabaseTables& held,
                                  const Until& until) {
  Connection connection = TRY(open_preflight_session(for_database(parameters, pair.source_name), until));
  SourceDatabase& database = pair.source;
  database.facts = TRY(read_current_database(connection, until));
  std::vector<CatalogTable> tables = TRY(read_tables(connection, until));
  held = candidates(pair.source_name, tables);
  for (CatalogTable& table : tables) {
    if (selection.selects_table(pair.source_name, table.table.name, table.partition_of)) {
      database.tables.push_back(std::move(table));
    } else if (!table.partition_of.empty()) {
      database.unselected_partitions.push_back(std::move(table));
    }
  }
  for (const ForeignObject& each : TRY(read_foreign_control_objects(connection, until))) {
    const bool wanted =
        each.is_relation ? selection.selects_table(pair.source_name, {"_tributary", each.name}, {}) : pair.whole;
    if (wanted) database.control_objects.push_back(each.description);
  }
  database.partition_choices = TRY(read_partition_choices(connection, until));
  database.above_foreign = TRY(read_above_foreign(connection, until));
  database.extensions = TRY(read_extensions(connection, until));
  database.unlockable = TRY(read_unlockable(connection, database, until));
  database.owned = TRY(read_owned_names(connection, until));
  if (spec.mode != api::Mode::snapshot) database.firing = TRY(read_firing_tables(connection, database, until));
  database.dumped = static_cast<std::uint64_t>(TRY(connection.query_row(dumped_query, {}, until)).integer(0, 0));
  database.unreadable_sequences = TRY(read_names(connection, sequence_query, until));
  TRY(read_large_objects(connection, spec.snapshot, pair, until));
  if (spec.mode != api::Mode::snapshot && !spec.sync.publication.empty())
    database.publication = TRY(read_publication(connection, spec.sync.publication, until));
  const Rows foreign = TRY(connection.query_row("SELECT count(*) FROM pg_class WHERE relkind = 'f'", {}, until));
  database.foreign_tables = static_cast<std::uint64_t>(foreign.integer(0, 0));
  return {};
}

// An Error that says that we gave up is one; any other is a fact.
Result<std::optional<Error>> fact_of(const Result<void>& result, const Until& until) {
  if (result) return std::optional<Error>();
  TRY(go_on(until));
  return std::optional(result.error());
}

bool has_database(const EndFacts& end, const std::string& name) {
  return std::any_of(end.databases.begin(), end.databases.end(),
                     [&](const Database& database) { return database.name == name; });
}

// An entry may be quoted.
bool is_template(const std::vector<Database>& databases, const std::string& entry) {
  return std::any_of(databases.begin(), databases.end(), [&](const Database& each) {
    return each.is_template && (each.name == entry || "\"" + each.name + "\"" == entry);
  });
}

std::map<std::string, bool> closed(const std::vector<Database>& databases, const pipeline::Selection& selection,
                                   const std::string& own) {
  std::map<std::string, bool> names;
  for (const Database& database : databases) {
    if (database.is_template || database.allows_connections) continue;
    if (selection.selects_database(database.name, own)) names[database.name] = selection.names_database(database.name);
  }
  return names;
}

Result<void> gather_pair(const api::Spec& spec, const pipeline::Selection& selection, const Parameters& source,
                         const std::optional<Parameters>& target, Facts& facts, PairFacts& pair,
                         pipeline::DatabaseTables& held, const Until& until) {
  pair.source.failure = TRY(fact_of(read_source_database(source, selection, spec, pair, held, until), until));
  pair.target.exists = target && has_database(facts.target, pair.target_name);
  if (!pair.target.exists) return {};
  const std::string key = replication_key(spec.replication, {facts.source.server.system_identifier, pair.source_name},
                                          digest_of(selection.table_entries_of(pair.source_name)));
  pair.target.failure = TRY(fact_of(read_target_database(*target, spec, key, pair, until), until));
  return {};
}

Result<void> gather_pairs(const api::Spec& spec, const pipeline::Selection& selection, const Parameters& source,
                          const std::optional<Parameters>& target, Facts& facts, const Until& until) {
  const std::string& own = facts.source.current.name;
  const std::vector<std::string> available = selectable(facts.source.databases);
  facts.closed = closed(facts.source.databases, selection, own);
  std::vector<pipeline::DatabaseTables> held;
  bool all_read = true;
  for (const std::string& name : selection.databases(available, own)) {
    PairFacts pair;
    pair.source_name = name;
    pair.target_name = selection.target_of(name, own, facts.target.given_database);
    pair.whole = selection.all_tables_of(name);
    held.push_back({name, {}});
    TRY(gather_pair(spec, selection, source, target, facts, pair, held.back(), until));
    all_read = all_read && !pair.source.failure;
    facts.pairs.push_back(std::move(pair));
  }
  // What a database that could not be read holds is not known.
  if (!all_read) return {};
  facts.unmatched = find_unmatched(selection, facts.source.databases, own, held);
  return {};
}

}  // namespace

std::vector<pipeline::Unmatched> find_unmatched(const pipeline::Selection& selection,
                                                const std::vector<Database>& databases, const std::string& own,
                                                const std::vector<pipeline::DatabaseTables>& held) {
  std::vector<std::string> all;
  for (const Database& database : databases)
    if (!database.is_template) all.push_back(database.name);
  std::vector<pipeline::Unmatched> unmatched = selection.unmatched(all, own, held);
  for (pipeline::Unmatched& each : unmatched)
    if (is_template(databases, each.entry))
      each = {each.list, each.entry, {}, "names a template, and templates are not copied"};
  return unmatched;
}

pipeline::DatabaseTables candidates(const std::string& database, const std::vector<CatalogTable>& tables) {
  pipeline::DatabaseTables held{database, {}};
  for (const CatalogTable& table : tables) held.tables.push_back({table.table.name, table.partition_of});
  return held;
}

Result<SessionRole> read_role(Connection& connection, const Until& until) {
  const Rows rows = TRY(connection.query_row(role_query, {}, until));
  SessionRole role;
  role.name = rows.str(0, 0);
  role.superuser = rows.boolean(0, 1);
  role.replication = rows.boolean(0, 2);
  role.create_database = rows.boolean(0, 3);
  role.create_role = rows.boolean(0, 4);
  role.memberships = strings(TRY(connection.query(membership_query, until)));
  return role;
}

Result<Connection> open_preflight_session(const Parameters& parameters, const Until& until) {
  Connection connection = TRY(open_unsettled_session(parameters, until));
  TRY(settle(connection, until));
  return connection;
}

Result<Facts> gather_facts(const api::Spec& spec, const Until& until) {
  Facts facts;
  facts.mode = spec.mode;
  facts.replication = spec.replication;
  facts.options = spec.snapshot;
  if (spec.mode != api::Mode::snapshot) facts.publication = spec.sync.publication;
  const Result<Parameters> source = gather_source(spec, facts.source, until);
  if (!source) facts.source.failure = source.error();
  TRY(go_on(until));
  const Result<Parameters> target = gather_target(spec, facts.target, until);
  if (!target) facts.target.failure = target.error();
  TRY(go_on(until));
  facts.tools = TRY(find_pg_tools(until));
  facts.cores = static_cast<int>(std::thread::hardware_concurrency());

  const Result<pipeline::Selection> selection = pipeline::Selection::parse(spec.selection);
  if (!selection) facts.selection_failure = selection.error();
  if (!selection || !source) return facts;
  const std::optional<Parameters> reached = target ? std::optional(*target) : std::nullopt;
  TRY(gather_pairs(spec, *selection, *source, reached, facts, until));
  return facts;
}

}  // namespace tributary::postgres
