#include "engine/postgres/occupancy.h"

#include "engine/postgres/array_literal.h"
#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t asked_at_once = 200;

std::vector<std::string> column(const Rows& rows) {
  std::vector<std::string> texts;
  for (int row = 0; row < rows.size(); ++row) texts.push_back(rows.str(row, 0));
  return texts;
}

std::vector<model::Name> names(const Rows& rows) {
  std::vector<model::Name> found;
  for (int row = 0; row < rows.size(); ++row) found.push_back({rows.str(row, 0), rows.str(row, 1)});
  return found;
}

// The catalogs that hold a user's objects, each as (class, oid, text). Members of extensions are taken out below.
constexpr const char* all_objects = R"sql(
WITH space AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '_tributary')
), object AS (
  SELECT 'pg_catalog.pg_class'::regclass AS class, c.oid,
    CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
      WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' ELSE 'table ' END
    || quote_ident(s.nspname) || '.' || quote_ident(c.relname) AS object
  FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass, p.oid, 'function ' || p.oid::regprocedure
  FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
  UNION ALL
  SELECT 'pg_catalog.pg_type'::regclass, t.oid, 'type ' || t.oid::regtype
  FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r')
  UNION ALL
  SELECT 'pg_catalog.pg_namespace'::regclass, s.oid, 'schema ' || quote_ident(s.nspname)
  FROM space s WHERE s.nspname <> 'public'
  UNION ALL
  SELECT 'pg_catalog.pg_largeobject'::regclass, l.oid, 'large object ' || l.oid
  FROM pg_catalog.pg_largeobject_metadata l
)
SELECT o.object FROM object o WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
ORDER BY o.object LIMIT $1::int)sql";

}  // namespace

Result<std::vector<std::string>> user_objects(Connection& target, int limit, const Until& until) {
  return column(TRY(target.query(all_objects, {std::to_string(limit)}, until)));
}

Result<std::vector<model::Name>> existing_tables(Connection& target, const std::vector<model::Table>& tables,
                                                 const Until& until) {
  std::vector<std::string> schemas, relations;
  for (const model::Table& table : tables) {
    schemas.push_back(table.name.schema);
    relations.push_back(table.name.name);
  }
  return names(TRY(target.query(
      "SELECT g.schema, g.name FROM unnest($1::text[], $2::text[]) AS g (schema, name)"
      " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind IN ('r', 'p')",
      {array_literal(schemas), array_literal(relations)}, until)));
}

Result<std::map<model::Name, std::string>> read_config_tables(Connection& target, const Until& until) {
  const Rows rows =
      TRY(target.query("SELECT n.nspname, c.relname, e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)]"
                       " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_class c ON c.oid = ANY (e.extconfig)"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
                       until));
  std::map<model::Name, std::string> conditions;
  for (int row = 0; row < rows.size(); ++row) conditions[{rows.str(row, 0), rows.str(row, 1)}] = rows.str(row, 2);
  return conditions;
}

Result<std::vector<model::Name>> tables_with_rows(Connection& target, const std::vector<model::Table>& tables,
                                                  const Until& until) {
  const std::vector<model::Name> existing = TRY(existing_tables(target, tables, until));
  const auto conditions = TRY(read_config_tables(target, until));
  std::vector<model::Name> filled;
  for (std::size_t first = 0; first < existing.size(); first += asked_at_once) {
    std::string sql;
    for (std::size_t index = first; index < std::min(first + asked_at_once, existing.size()); ++index) {
      const model::Name& name = existing[index];
      sql += (index == first ? "SELECT " : " UNION ALL SELECT ") + quote_literal(name.schema) + ", " +
             quote_literal(name.name) + " WHERE EXISTS (SELECT FROM ONLY " + quote_name(name);
      const auto condition = conditions.find(name);
      sql += (condition == conditions.end() ? "" : " " + condition->second) + ")";
    }
    const std::vector<model::Name> some = names(TRY(target.query(sql, until)));
    filled.insert(filled.end(), some.begin(), some.end());
  }
  return filled;
}

Result<std::vector<std::string>> dependants(Connection& target, const std::vector<model::Name>& tables,
                                            const Until& until) {
  std::vector<std::string> schemas, relations;
  for (const model::Name& name : tables) {
    schemas.push_back(name.schema);
    relations.push_back(name.name);
  }
  // What DROP TABLE without CASCADE refuses: normal dependencies of objects that do not belong to one of the tables.
  return column(TRY(target.query(
      "WITH gone AS (SELECT c.oid FROM unnest($1::text[], $2::text[]) AS g (schema, name)"
      "   JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      "   JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name)"
      " SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)"
      " FROM gone JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = "
      "gone.oid"
      "   AND d.deptype = 'n'"
      " LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid"
      " LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid"
      " LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND a.oid = d.objid"
      " WHERE COALESCE(r.ev_class, k.conrelid, a.adrelid, d.objid) NOT IN (SELECT oid FROM gone) ORDER BY 1",
      {array_literal(schemas), array_literal(relations)}, until)));
}

Result<std::vector<std::string>> other_sessions(Connection& target, const std::string& own_prefix, const Until& until) {
  return column(TRY(target.query(
      "SELECT pg_catalog.format('process %s of %s (%s)', pid, COALESCE(usename, 'the server'), application_name)"
      " FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid()"
      "   AND backend_type = 'client backend' AND NOT pg_catalog.starts_with(application_name, $1) ORDER BY pid",
      {own_prefix}, until)));
}

std::string join(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t index = 0; index < names.size() && index < most; ++index)
    text += (index == 0 ? "" : ", ") + names[index];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace tributary::postgres
