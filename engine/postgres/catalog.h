#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/connection.h"

// What the system catalogs of a server say, for majors 12 to 18: plain reads, no judgement. Every name is spelt in
// full, so any search_path will do. Called inside the snapshot's transaction it answers for the snapshot.
namespace tributary::postgres {

struct Server {
  int version = 0;                // e.g. 150018
  std::string system_identifier;  // "" where the role may not read it
  std::string wal_level;
  bool in_recovery = false;
  int max_replication_slots = 0;
  int used_replication_slots = 0;
  int max_wal_senders = 0;
  int used_wal_senders = 0;
  int max_connections = 0;
  std::string shared_preload_libraries;  // "" where the role may not read it

  int major() const { return version / 10000; }
};
Result<Server> read_server(Connection& connection, const Until& until);

struct Database {
  std::uint32_t id = 0;
  std::string name;
  std::string owner;
  std::string encoding;      // "UTF8", "SQL_ASCII", ...
  char locale_provider = 0;  // 'c' libc, 'i' ICU, 'b' builtin
  std::string collate;
  std::string ctype;
  std::string locale;                    // of ICU or builtin, "" with libc
  std::string collation_version;         // recorded at creation, "" where not recorded
  std::string actual_collation_version;  // of the library the server runs with, "" where not known
  bool is_template = false;
  bool allows_connections = true;
  bool may_connect = true;               // the role's CONNECT privilege
  std::optional<std::uint64_t> bytes;    // nothing where the role may not ask
};
// All databases of the server, by name.
Result<std::vector<Database>> read_databases(Connection& connection, const Until& until);
// The one the connection is in.
Result<Database> read_current_database(Connection& connection, const Until& until);

// A table that holds rows of its own, as the current database's catalog has it.
struct CatalogTable {
  model::Table table;                     // `format` is provisional: text until choose_format() has seen both sides
  std::vector<model::Name> partition_of;  // the partitioned tables above it, nearest first; not inheritance parents
  std::string extension;                  // that owns it and says that its rows are data of the user; mostly ""
  std::string copy_filter;                // with `extension`: "WHERE ..." as the extension says it; mostly ""
  char replica_identity = 'd';            // pg_class.relreplident
  bool has_primary_key = false;
  bool has_usable_identity = false;  // the server could publish its updates and deletes
  bool row_security = false;         // enabled; owners are subject to it only where `force_row_security`
  bool force_row_security = false;
  bool may_select = true;  // the role's privilege, on the table or on every column
  bool owned = false;      // by a role that the connection's role is a member of
};
// Ordinary tables and leaf partitions of all user schemas, unlogged ones too, by schema and name; not temporary, not
// foreign, of extensions only those that pg_extension.extconfig lists.
Result<std::vector<CatalogTable>> read_tables(Connection& connection, const Until& until);

Result<std::vector<model::Name>> read_materialized_views(Connection& connection, const Until& until);

// The identity of one table's storage now, "" when the table is gone. Unlike the rows of pg_class it does not follow
// the snapshot: compare it with model::Table::storage to notice a rewrite.
Result<std::string> read_storage(Connection& connection, std::uint32_t table, const Until& until);

// Name and version of every extension of the current database.
struct Extension {
  std::string name;
  std::string version;
  std::string schema;
};
Result<std::vector<Extension>> read_extensions(Connection& connection, const Until& until);

}  // namespace tributary::postgres
