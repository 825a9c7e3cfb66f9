#include "engine/postgres/catalog/owned_names.h"

#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

constexpr const char* owned_names = R"sql(
WITH owned AS (
  SELECT x.indexrelid AS oid, x.indrelid AS owner FROM pg_catalog.pg_index x
  UNION
  SELECT d.objid, d.refobjid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
)
SELECT n.nspname, c.relname, m.nspname, t.relname
FROM owned o JOIN pg_catalog.pg_class c ON c.oid = o.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = o.owner AND t.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace m ON m.oid = t.relnamespace
WHERE m.nspname !~ '^pg_' AND m.nspname NOT IN ('information_schema', '_tributary'))sql";

constexpr const char* taken_names = R"sql(
WITH owned AS (
  SELECT g.*, t.oid AS there FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS g (schema, name, table_schema, table_name)
  LEFT JOIN (pg_catalog.pg_class t JOIN pg_catalog.pg_namespace m ON m.oid = t.relnamespace AND t.relkind IN ('r', 'p'))
    ON m.nspname = g.table_schema AND t.relname = g.table_name
)
SELECT DISTINCT o.schema, o.name
FROM owned o JOIN pg_catalog.pg_namespace n ON n.nspname = o.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = o.name
WHERE CASE WHEN NOT $5::boolean THEN o.there IS NULL
  ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_index x
    WHERE x.indexrelid = c.oid AND x.indrelid IN (SELECT w.there FROM owned w))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = d.classid AND d.objid = c.oid
     AND d.deptype IN ('a', 'i') AND d.refobjid IN (SELECT w.there FROM owned w)) END
ORDER BY 1, 2)sql";

}  // namespace

Result<std::vector<OwnedName>> read_owned_names(Connection& source, const Until& until) {
  const Rows rows = TRY(source.query(owned_names, until));
  std::vector<OwnedName> found;
  for (int row = 0; row < rows.size(); ++row)
    found.push_back({{rows.str(row, 0), rows.str(row, 1)}, {rows.str(row, 2), rows.str(row, 3)}});
  return found;
}

Result<std::vector<model::Name>> owned_names_taken(Connection& target, const std::vector<OwnedName>& owned,
                                                   Existing existing, const Until& until) {
  NameArrays names;
  NameArrays tables;
  for (const OwnedName& each : owned) {
    names.add(each.name);
    tables.add(each.table);
  }
  return names_in(TRY(target.query(
      taken_names,
      {names.schemas(), names.names(), tables.schemas(), tables.names(), existing == Existing::go ? "true" : "false"},
      until)));
}

}  // namespace tributary::postgres
