#include <map>
#include <unordered_map>

#include "engine/postgres/catalog/catalog.h"

namespace tributary::postgres {
namespace {

// What holds rows and belongs to a user; `c` is pg_class, `n` pg_namespace, `e` the extension that owns the table.
constexpr const char* user_tables =
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0"
    "  AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
    " LEFT JOIN pg_extension e ON e.oid = d.refobjid"
    " WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT IN ('information_schema', '_tributary')"
    " AND (e.oid IS NULL OR c.oid = ANY (e.extconfig))";

// An index identifies rows where the server would take it as a replica identity: unique and valid, checked at once
// and on stored columns that are there before triggers and generation (src/backend/commands/tablecmds.c,
// relation_mark_replica_identity). A whole row identifies unless it has columns that are not published: since 18 the
// server refuses updates and deletes then (src/backend/executor/execReplication.c, CheckCmdReplicaIdentity).
constexpr const char* usable_identity =
    "(c.relreplident = 'f' AND (current_setting('server_version_num')::int < 180000 OR NOT EXISTS ("
    "SELECT FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attgenerated <> '' AND NOT g.attisdropped)))"
    " OR (c.relreplident IN ('d', 'i') AND EXISTS (SELECT FROM pg_index i"
    " WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate"
    " AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END"
    " AND NOT EXISTS (SELECT FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attnum = ANY (i.indkey)"
    " AND k.attgenerated <> '')))";

std::string table_query() {
  return "SELECT c.oid, n.nspname, c.relname, c.relpersistence = 'u', c.relfilenode, coalesce(pg_table_size(c.oid), 0),"
         " coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int,"
         // Before 14 a table that was never analysed says 0 rows in 0 pages.
         " CASE WHEN c.reltuples = 0 AND c.relpages = 0 THEN -1 ELSE c.reltuples END,"
         " e.extname, e.extcondition[array_position(e.extconfig, c.oid)], " +
         std::string(usable_identity) +
         ", row_security_active(c.oid),"
         " has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),"
         " CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN '' ELSE pg_get_userbyid(c.relowner) END" +
         user_tables + " ORDER BY n.nspname, c.relname";
}

std::string column_query() {
  return "SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',"
         " a.attidentity = 'a', NOT a.attnotnull FROM pg_attribute a"
         " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (SELECT c.oid" +
         std::string(user_tables) + ") ORDER BY a.attrelid, a.attnum";
}

constexpr const char* partition_query =
    "SELECT i.inhrelid, i.inhparent, n.nspname, p.relname FROM pg_inherits i"
    " JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition"
    " JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace";

struct Parent {
  std::uint32_t id = 0;
  model::Name name;
};

std::uint32_t oid_of(const Rows& rows, int row, int column) {
  return static_cast<std::uint32_t>(rows.integer(row, column));
}

CatalogTable table_of(const Rows& rows, int row) {
  CatalogTable found;
  model::Table& table = found.table;
  table.id = oid_of(rows, row, 0);
  table.name = {rows.str(row, 1), rows.str(row, 2)};
  table.unlogged = rows.boolean(row, 3);
  table.storage = rows.str(row, 4);
  table.bytes = static_cast<std::uint64_t>(rows.integer(row, 5));
  table.pages = static_cast<std::uint64_t>(rows.integer(row, 6));
  table.rows = rows.real(row, 7);
  found.extension = rows.str(row, 8);
  found.copy_filter = rows.str(row, 9);
  found.has_usable_identity = rows.boolean(row, 10);
  found.row_security = rows.boolean(row, 11);
  found.may_select = rows.boolean(row, 12);
  found.owner_apart = rows.str(row, 13);
  return found;
}

model::Column column_of(const Rows& rows, int row) {
  model::Column column;
  column.name = rows.str(row, 1);
  column.type = rows.str(row, 2);
  column.generated = rows.boolean(row, 3);
  column.identity_always = rows.boolean(row, 4);
  column.nullable = rows.boolean(row, 5);
  return column;
}

// Nearest first. A catalog has no circles, but what is read from a server is not trusted to have none.
std::vector<model::Name> ancestors(std::uint32_t table, const std::unordered_map<std::uint32_t, Parent>& parents) {
  std::vector<model::Name> names;
  auto parent = parents.find(table);
  while (parent != parents.end() && names.size() <= parents.size()) {
    names.push_back(parent->second.name);
    parent = parents.find(parent->second.id);
  }
  return names;
}

}  // namespace

Result<std::vector<CatalogTable>> read_tables(Connection& connection, const Until& until) {
  const Rows tables = TRY(connection.query(table_query(), until));
  const Rows columns = TRY(connection.query(column_query(), until));
  const Rows partitions = TRY(connection.query(partition_query, until));

  std::unordered_map<std::uint32_t, Parent> parents;
  for (int row = 0; row < partitions.size(); ++row) {
    parents[oid_of(partitions, row, 0)] = {oid_of(partitions, row, 1),
                                           {partitions.str(row, 2), partitions.str(row, 3)}};
  }
  std::vector<CatalogTable> found;
  std::unordered_map<std::uint32_t, std::size_t> index;
  for (int row = 0; row < tables.size(); ++row) {
    found.push_back(table_of(tables, row));
    found.back().partition_of = ancestors(found.back().table.id, parents);
    index[found.back().table.id] = found.size() - 1;
  }
  for (int row = 0; row < columns.size(); ++row) {
    const auto at = index.find(oid_of(columns, row, 0));
    // A table that came between the two statements, outside a snapshot.
    if (at != index.end()) found[at->second].table.columns.push_back(column_of(columns, row));
  }
  return found;
}

}  // namespace tributary::postgres
