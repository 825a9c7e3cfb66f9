#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/postgres/client/connection.h"

// What the system catalogs of a server say, for majors 12 to 18: plain reads, no judgement. The connection must have
// search_path = pg_catalog, so that nobody's objects stand in for the server's own and types are spelt in full. Called
// inside the snapshot's transaction the answers are those of the snapshot, sizes and privileges apart; no call can
// fail for want of a privilege and so end that transaction.
namespace tributary::postgres {

struct Server {
  int version = 0;                // e.g. 150018
  std::string system_identifier;  // "" where the role may not read it
  std::string start_time;         // of the postmaster: with it two connections can be told to be to one server
  std::string wal_level;
  bool in_recovery = false;
  int max_replication_slots = 0;
  int used_replication_slots = 0;
  int max_wal_senders = 0;
  int used_wal_senders = 0;
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
  bool may_connect = true;             // the role's CONNECT privilege
  std::optional<std::uint64_t> bytes;  // nothing where the role may not ask
};
// All databases of the server, by name.
Result<std::vector<Database>> read_databases(Connection& connection, const Until& until);
// The names of those that a selection can choose from: templates are nobody's, and nobody gets into one that allows no
// connections. Pure.
std::vector<std::string> selectable(const std::vector<Database>& databases);
// The one the connection is in.
Result<Database> read_current_database(Connection& connection, const Until& until);

// A table that holds rows of its own, as the current database's catalog has it.
struct CatalogTable {
  model::Table table;                     // `format` is provisional: text until choose_format() has seen both sides
  std::vector<model::Name> partition_of;  // the partitioned tables above it, nearest first; not inheritance parents
  std::string extension;                  // that owns it and says that its rows are data of the user; mostly ""
  std::string copy_filter;                // with `extension`: "WHERE ..." as the extension says it; mostly ""
  bool has_usable_identity = false;       // by which the server could publish updates and deletes
  std::string owner_apart;                // where the role has not what the owner has: only the owner may publish it
  bool row_security = false;              // policies apply to the connection's role: rows may be hidden from it
  bool may_select = true;                 // the role's privilege on the table, and to look into its schema
};
// Ordinary tables and leaf partitions of all user schemas, unlogged ones too, by schema and name; not temporary, not
// foreign, of extensions only those that pg_extension.extconfig lists, and not the ledger's in _tributary.
Result<std::vector<CatalogTable>> read_tables(Connection& connection, const Until& until);

// Name and version of every extension of the current database.
struct Extension {
  std::string name;
  std::string version;
  std::string schema;
};
Result<std::vector<Extension>> read_extensions(Connection& connection, const Until& until);

}  // namespace tributary::postgres
