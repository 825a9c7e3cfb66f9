#include "engine/postgres/catalog/table_rights.h"

#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

// COPY refuses a table whose policies apply to the role, whatever they say. Who looks whether a table is empty locks it
// against writers, which takes one of three rights.
constexpr const char* rights_query = R"sql(
SELECT n.nspname, c.relname,
  CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'no USAGE on its schema'
    WHEN NOT has_table_privilege(c.oid, 'INSERT') THEN 'no INSERT'
    WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'no SELECT'
    WHEN NOT has_table_privilege(c.oid, 'TRUNCATE, UPDATE, DELETE') THEN 'no TRUNCATE'
    WHEN row_security_active(c.oid) THEN 'row-level security applies to it' ELSE '' END,
  CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN '' ELSE pg_get_userbyid(c.relowner) END
FROM unnest($1::text[], $2::text[]) AS g (schema, name) JOIN pg_namespace n ON n.nspname = g.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind = 'r' ORDER BY 1, 2)sql";

}  // namespace

Result<TableRights> read_table_rights(Connection& target, const std::vector<model::Name>& tables, const Until& until) {
  const NameArrays names(tables);
  const Rows rows = TRY(target.query(rights_query, {names.schemas(), names.names()}, until));
  TableRights rights;
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name table{rows.str(row, 0), rows.str(row, 1)};
    if (!rows.str(row, 2).empty()) rights.denied.push_back(display(table) + ": " + rows.str(row, 2));
    if (!rows.str(row, 3).empty()) rights.not_owned.emplace_back(table, rows.str(row, 3));
  }
  return rights;
}

}  // namespace tributary::postgres
