#include "engine/postgres/catalog/occupancy.h"

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t asked_at_once = 200;

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

// A row type has its table's name, so a type of that name is in the way too; an array type gives way by itself.
constexpr const char* taken_names = R"sql(
WITH wanted AS (
  SELECT n.oid AS space, n.nspname, g.name, g.kind
  FROM unnest($1::text[], $2::text[], $3::text[]) AS g (schema, name, kind)
  JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
)
SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
    WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index '
    WHEN 'p' THEN 'partitioned table ' ELSE 'ordinary table ' END
  || quote_ident(w.nspname) || '.' || quote_ident(w.name)
FROM wanted w JOIN pg_catalog.pg_class c ON c.relnamespace = w.space AND c.relname = w.name
  AND c.relkind::text <> w.kind
UNION
SELECT 'type ' || quote_ident(w.nspname) || '.' || quote_ident(w.name)
FROM wanted w JOIN pg_catalog.pg_type t ON t.typnamespace = w.space AND t.typname = w.name
  AND t.typtype <> 'c' AND t.typcategory <> 'A'
ORDER BY 1)sql";

constexpr const char* unfit_columns = R"sql(
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS g (schema, name, copied)
), there AS (
  SELECT DISTINCT c.oid, g.schema, g.name FROM given g JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind = 'r'
)
SELECT quote_ident(t.schema) || '.' || quote_ident(t.name) || CASE WHEN a.attname IS NULL THEN ' has no column '
    ELSE ' computes column ' END || quote_ident(g.copied)
FROM there t JOIN given g USING (schema, name)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attname = g.copied AND a.attnum > 0 AND NOT a.attisdropped
WHERE g.copied <> '' AND (a.attname IS NULL OR a.attgenerated <> '')
UNION ALL
SELECT quote_ident(t.schema) || '.' || quote_ident(t.name) || ' wants a value for column ' || quote_ident(a.attname)
  || ', which the source does not have'
FROM there t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND y.typdefault IS NULL
  AND NOT EXISTS (SELECT FROM given g WHERE g.schema = t.schema AND g.name = t.name AND g.copied = a.attname)
ORDER BY 1)sql";

// A table, its row type and the sequences of its own.
const std::string things_gone = R"sql(
WITH gone AS (
  SELECT c.oid, c.reltype, g.position, g.schema, g.name
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g (schema, name, position)
  JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name
), thing AS (
  SELECT 'pg_catalog.pg_class'::regclass AS class, oid, oid AS owner FROM gone
  UNION ALL
  SELECT 'pg_catalog.pg_type'::regclass, t.oid, g.oid FROM gone g
  JOIN pg_catalog.pg_type t ON t.oid = g.reltype OR (t.typelem = g.reltype AND t.typcategory = 'A')
  UNION ALL
  SELECT 'pg_catalog.pg_class'::regclass, s.oid, g.oid FROM gone g
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = g.oid
    AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
)
)sql";

// What depends on one of them, as "d", partitions too, which DROP takes along, and the relation "o" that this is or
// belongs to, where there is one.
const std::string things_and_dependants = R"sql(
FROM thing t JOIN pg_catalog.pg_depend d ON d.refclassid = t.class AND d.refobjid = t.oid AND (d.deptype = 'n'
  OR (d.deptype = 'a' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (SELECT i.inhrelid
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent AND p.relkind = 'p')))
LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND a.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger g ON d.classid = 'pg_catalog.pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_catalog.pg_policy p ON d.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_class o ON o.oid = COALESCE(r.ev_class, k.conrelid, a.adrelid, g.tgrelid, p.polrelid,
  CASE WHEN d.classid = 'pg_catalog.pg_class'::regclass THEN d.objid END)
)sql";

// What DROP TABLE without CASCADE refuses: what is not a part of one of the tables itself. And partitions.
const std::string all_dependants = things_gone + R"sql(
SELECT DISTINCT CASE WHEN r.rulename = '_RETURN' THEN pg_describe_object('pg_catalog.pg_class'::regclass, r.ev_class, 0)
    ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END, w.schema, w.name, n.nspname, o.relname,
  CASE d.classid WHEN 'pg_catalog.pg_proc'::regclass THEN (
      SELECT pg_catalog.format('"%s"."%s"(', replace(s.nspname, '"', '""'), replace(f.proname, '"', '""'))
      FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace s ON s.oid = f.pronamespace WHERE f.oid = d.objid)
    WHEN 'pg_catalog.pg_type'::regclass THEN (
      SELECT pg_catalog.format('"%s"."%s"', replace(s.nspname, '"', '""'), replace(y.typname, '"', '""'))
      FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace s ON s.oid = y.typnamespace WHERE y.oid = d.objid)
    WHEN 'pg_catalog.pg_cast'::regclass THEN 'CAST IF EXISTS ('
    WHEN 'pg_catalog.pg_constraint'::regclass THEN COALESCE((
      SELECT pg_catalog.format('"%s"."%s"', replace(s.nspname, '"', '""'), replace(y.typname, '"', '""'))
      FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace s ON s.oid = y.typnamespace WHERE y.oid = k.contypid),
      pg_catalog.format('DROP CONSTRAINT IF EXISTS "%s"', replace(k.conname, '"', '""')))
    WHEN 'pg_catalog.pg_trigger'::regclass THEN
      pg_catalog.format('TRIGGER IF EXISTS "%s" ON', replace(g.tgname, '"', '""'))
    WHEN 'pg_catalog.pg_policy'::regclass THEN
      pg_catalog.format('POLICY IF EXISTS "%s" ON', replace(p.polname, '"', '""'))
    WHEN 'pg_catalog.pg_rewrite'::regclass THEN CASE WHEN r.rulename <> '_RETURN' THEN
      pg_catalog.format('RULE IF EXISTS "%s" ON', replace(r.rulename, '"', '""')) END
    WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
      SELECT pg_catalog.format('ALTER COLUMN "%s" DROP DEFAULT', replace(c.attname, '"', '""'))
      FROM pg_catalog.pg_attribute c WHERE c.attrelid = a.adrelid AND c.attnum = a.adnum) END
)sql" + things_and_dependants +
                                   R"sql(
JOIN gone w ON w.oid = t.owner LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE o.oid IS NULL OR o.oid NOT IN (SELECT oid FROM gone) ORDER BY 1)sql";

const std::string bonds_query = things_gone + "SELECT DISTINCT w.position - 1, m.position - 1" + things_and_dependants +
                                "JOIN gone w ON w.oid = t.owner JOIN gone m ON m.oid = o.oid WHERE w.oid <> m.oid";

}  // namespace

Result<std::vector<std::string>> user_objects(Connection& target, int limit, const Until& until) {
  return first_column(TRY(target.query(all_objects, {std::to_string(limit)}, until)));
}

Result<std::vector<model::Name>> existing_tables(Connection& target, const std::vector<model::Table>& tables,
                                                 const Until& until) {
  NameArrays wanted;
  for (const model::Table& table : tables) wanted.add(table.name);
  return names_in(TRY(target.query(
      "SELECT g.schema, g.name FROM unnest($1::text[], $2::text[]) AS g (schema, name)"
      " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind IN ('r', 'p')",
      {wanted.schemas(), wanted.names()}, until)));
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
    const std::vector<model::Name> some = names_in(TRY(target.query(sql, until)));
    filled.insert(filled.end(), some.begin(), some.end());
  }
  return filled;
}

Result<std::vector<std::string>> names_taken(Connection& target, const std::vector<model::Name>& tables,
                                             const std::vector<model::Name>& partitioned, const Until& until) {
  NameArrays wanted(tables);
  for (const model::Name& name : partitioned) wanted.add(name);
  std::vector<std::string> kinds(tables.size(), "r");
  kinds.resize(tables.size() + partitioned.size(), "p");
  return first_column(TRY(target.query(taken_names, {wanted.schemas(), wanted.names(), array_literal(kinds)}, until)));
}

Result<std::vector<std::string>> misfits(Connection& target, const std::vector<model::Table>& tables,
                                         const Until& until) {
  NameArrays copied;
  std::vector<std::string> columns;
  for (const model::Table& table : tables) {
    copied.add(table.name);
    columns.emplace_back();  // so that a table without columns is there
    for (const model::Column& each : table.columns) {
      if (each.generated) continue;
      copied.add(table.name);
      columns.push_back(each.name);
    }
  }
  return first_column(
      TRY(target.query(unfit_columns, {copied.schemas(), copied.names(), array_literal(columns)}, until)));
}

Result<std::vector<Dependant>> dependants(Connection& target, const std::vector<model::Name>& tables,
                                          const Until& until) {
  const NameArrays gone(tables);
  const Rows rows = TRY(target.query(all_dependants, {gone.schemas(), gone.names()}, until));
  std::vector<Dependant> found;
  for (int row = 0; row < rows.size(); ++row)
    found.push_back({rows.str(row, 0),
                     {rows.str(row, 1), rows.str(row, 2)},
                     {rows.str(row, 3), rows.str(row, 4)},
                     rows.str(row, 5)});
  return found;
}

Result<std::vector<std::pair<std::size_t, std::size_t>>> dependencies_between(Connection& target,
                                                                              const std::vector<model::Name>& tables,
                                                                              const Until& until) {
  const NameArrays gone(tables);
  const Rows rows = TRY(target.query(bonds_query, {gone.schemas(), gone.names()}, until));
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (int row = 0; row < rows.size(); ++row)
    found.emplace_back(static_cast<std::size_t>(rows.integer(row, 0)), static_cast<std::size_t>(rows.integer(row, 1)));
  return found;
}

Result<std::vector<std::string>> other_sessions(Connection& target, const std::string& own_prefix, const Until& until) {
  return first_column(TRY(target.query(
      "SELECT pg_catalog.format('process %s of %s (%s)', pid, COALESCE(usename, 'the server'), application_name)"
      " FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid()"
      "   AND backend_type = 'client backend' AND NOT pg_catalog.starts_with(application_name, $1) ORDER BY pid",
      {own_prefix}, until)));
}

Result<std::vector<std::string>> drop_obstacles(Connection& target, const Until& until) {
  return first_column(
      TRY(target.query("SELECT 'active replication slot ' || slot_name FROM pg_catalog.pg_replication_slots"
                       "   WHERE database = current_database() AND active"
                       " UNION ALL SELECT 'subscription ' || s.subname FROM pg_catalog.pg_subscription s"
                       "   JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()"
                       " UNION ALL SELECT 'prepared transaction ' || gid FROM pg_catalog.pg_prepared_xacts"
                       "   WHERE database = current_database() ORDER BY 1",
                       until)));
}

std::string join(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t index = 0; index < names.size() && index < most; ++index)
    text += (index == 0 ? "" : ", ") + names[index];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace tributary::postgres
