#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/catalog/column_fit.h"
#include "engine/postgres/catalog/owned_names.h"
#include "engine/postgres/catalog/partition_routes.h"
#include "engine/postgres/catalog/table_rights.h"
#include "engine/postgres/ledger/course.h"
#include "engine/postgres/preflight/connection_room.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/roles/provider.h"
#include "engine/postgres/schema/pg_tools.h"

// All that `validate` knows about both ends, as plain values: gathered by a thin shell, judged by preflight_checks.h.
namespace tributary::postgres {

struct SessionRole {
  std::string name;
  bool superuser = false;
  bool replication = false;
  bool create_database = false;
  bool create_role = false;
  std::set<std::string> memberships;  // among the roles that a provider gives rights by ("rds_replication", ...)
};

struct AvailableExtension {
  std::string default_version;
  std::map<std::string, bool> versions;  // and whether a role without superuser may create it (trusted)
};

// What a server sets aside for locks on objects: so many for each of the sessions, prepared transactions and processes
// of its own that it may have.
struct LockRoom {
  std::uint64_t per_transaction = 0;  // max_locks_per_transaction; 0 where nothing is known
  std::uint64_t transactions = 0;
  std::uint64_t objects() const { return per_transaction * transactions; }
};

struct EndFacts {
  std::optional<Error> failure;  // it could not be reached or asked: nothing below is known then
  bool pooled = false;           // with `failure`: it was reached, but its sessions are not the server's own
  std::string address;           // "host:port", for people
  std::string given_database;    // the one that the endpoint names; "" where it names none
  Server server;
  SessionRole role;
  Provider provider = Provider::none;
  Database current;
  std::vector<Database> databases;
  ConnectionBounds connections;
  LockRoom locks;
  std::set<std::string> roles;  // all that are neither predefined nor a provider's
  // Of the target only:
  std::map<std::string, AvailableExtension> extensions;
  std::set<std::string> locales;  // LC_COLLATE values that the server is known to have
  bool may_set_replica_role = false;
  std::string read_only_by;  // whose setting makes transactions so, unless they say otherwise: "role x"
};

struct SourceDatabase {
  std::optional<Error> failure;
  Database facts;
  std::vector<CatalogTable> tables;  // the selected ones
  // Beside the selected ones: what pg_dump locks to read the schema, and the role may not.
  std::vector<model::Name> unlockable;
  std::uint64_t dumped = 0;  // tables and sequences, selected or not: pg_dump locks them all at once
  std::vector<Extension> extensions;
  std::vector<model::Name> unreadable_sequences;  // selected or not: pg_dump reads them all
  std::vector<OwnedName> owned;                   // by any table
  std::vector<model::Name> firing;                // selected, with triggers or rules enabled as ALWAYS or REPLICA
  std::vector<std::string> control_objects;       // in schema _tributary, selected and none of a ledger's
  std::optional<PublicationState> publication;    // that is to be used, where it exists
  PartitionChoices partition_choices;
  std::vector<CatalogTable> unselected_partitions;
  std::set<model::Name> above_foreign;  // tables with foreign ones among their partitions
  std::uint64_t foreign_tables = 0;
  std::uint64_t large_objects = 0;
  std::vector<model::Name> large_object_tables;  // selected ones with a column that may refer to any of them
  std::uint64_t unreadable_large_objects = 0;
  std::vector<std::string> large_object_ids;  // of those to copy, up to 100,000
};

// Another replication that the ledger of a target database knows.
struct OtherReplication {
  std::string key;
  pipeline::SourceIdentity source;
  bool complete = false;
  std::string completed;  // RFC 3339
};

struct TargetDatabase {
  bool exists = false;
  std::optional<Error> failure;
  Database facts;
  std::string read_only_by;              // as of the server
  bool owned = false;                    // by the role or one that it is a member of
  bool may_create = false;               // schemas
  std::set<std::string> closed_schemas;  // in which the role may not create
  std::vector<Extension> extensions;
  std::uint64_t tables = 0;          // of users
  std::vector<std::string> objects;  // of users: "table public.orders"; the first few
  // What the ledger says, where there is one:
  std::optional<ReplicationRow> former;  // of this replication
  std::vector<model::Name> unrecorded;   // selected tables that it does not have in this replication
  std::vector<OtherReplication> others;
  std::vector<std::string> taken;  // selected tables that another one is copying: "public.a of replication x"
  // Where the database itself is to be dropped:
  std::vector<std::string> sessions;  // of others in it
  std::vector<std::string> drop_obstacles;
  // Where it is not:
  std::vector<model::Name> existing;       // selected tables that are there
  std::vector<std::string> names_taken;    // by something else: "view public.orders"
  std::vector<model::Name> owned_taken;    // of indexes and sequences that come with tables
  std::vector<std::string> dependants;     // on tables that are to go
  std::vector<std::string> default_acls;   // that what the role creates gets: "on tables: {=arwdDxtm/postgres}"
  std::vector<std::string> large_objects;  // that are there as well; the first few OIDs
  // And of selected tables that stay, unless the ledger has them:
  std::vector<model::Name> filled;   // they hold rows
  std::vector<std::string> misfits;  // why rows do not fit: "public.orders has no column total"
  ColumnFit fit;
  TableRights rights;
  std::vector<std::string> firing;  // what would fire for their rows, and what to do
};

struct PairFacts {
  std::string source_name;
  std::string target_name;
  bool whole = true;  // every table is selected
  SourceDatabase source;
  TargetDatabase target;
};

struct Facts {
  api::Mode mode = api::Mode::snapshot;
  std::string replication;  // as declared; mostly ""
  std::string publication;  // of the source, to be used for the stream; "" for our own, or where nothing is to stream
  api::SnapshotOptions options;
  std::optional<Error> selection_failure;  // nothing below `target` is known then
  EndFacts source;
  EndFacts target;
  std::vector<PairFacts> pairs;        // by source_name
  std::map<std::string, bool> closed;  // selected databases that allow no connections; whether by their very names
  std::vector<pipeline::Unmatched> unmatched;
  std::vector<PgTools> tools;
  int cores = 0;  // of this machine
};

// Entries of the selection that name nothing, of all databases of the source and the tables of the selected ones.
std::vector<pipeline::Unmatched> find_unmatched(const pipeline::Selection& selection,
                                                const std::vector<Database>& databases, const std::string& own,
                                                const std::vector<pipeline::DatabaseTables>& held);
// What the entries may name. Pure, as the one above.
pipeline::DatabaseTables candidates(const std::string& database, const std::vector<CatalogTable>& tables);

// Looks at both ends and changes nothing. Fails only when it was stopped or its time is over.
Result<Facts> gather_facts(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres
