#include "engine/postgres/apply/target_table.h"

#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres::apply {
namespace {

// What fires in this session: with the role "replica" what is enabled for it or always, else what is by default or
// always. A table with triggers of users has no plan (Tables::make_plan); the others are those of foreign keys.
constexpr const char* table_sql =
    "SELECT c.oid, c.relkind = 'p',"
    "  EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = ANY (fires))"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
    "  LATERAL (SELECT CASE current_setting('session_replication_role') WHEN 'replica' THEN '{A,R}'::\"char\"[]"
    "    ELSE '{A,O}'::\"char\"[] END) s (fires)"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

// A domain's values compare as those of its base type. Where a value is written by a cast from text, the cast must do
// what the type's input does: one made by a function may not, but for those of pg_catalog that do; and one to a domain
// with a modifier cuts silently.
constexpr const char* columns_sql =
    "SELECT a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, -1), e.equality,"
    "  a.attgenerated <> '', a.attidentity = 'a', COALESCE(l.collisdeterministic, true),"
    "  NOT b.modified AND NOT EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'text'::regtype"
    "    AND k.casttarget = b.type AND k.castmethod = 'f' AND b.type NOT IN ('xml'::regtype, 'name'::regtype))"
    " FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation,"
    "  LATERAL (WITH RECURSIVE under AS (SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, false AS modified"
    "      FROM pg_type t WHERE t.oid = a.atttypid UNION ALL"
    "    SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, u.modified OR u.typtypmod <> -1"
    "      FROM under u JOIN pg_type t ON t.oid = u.typbasetype WHERE u.typtype = 'd')"
    "    SELECT u.oid, u.typtype, u.modified FROM under u WHERE u.typtype <> 'd') b (type, kind, modified),"
    "  LATERAL (SELECT CASE WHEN b.kind IN ('e', 'r', 'm') OR b.type = 'varchar'::regtype"
    "    THEN 'OPERATOR(pg_catalog.=)' ELSE (SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)"
    "      FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'"
    "      JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = b.type AND p.amoprighttype = b.type"
    "        AND p.amopstrategy = 3"
    "      JOIN pg_operator o ON o.oid = p.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace"
    "      WHERE c.opcdefault AND c.opcintype = b.type) END) e (equality)"
    " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

// One row per index and column. A part of an index counts as a whole one.
constexpr const char* unique_sql =
    "SELECT i.indexrelid, a.attname, i.indisunique AND i.indisvalid AND i.indpred IS NULL"
    " FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) k (attnum)"
    " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0"
    " WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) ORDER BY i.indexrelid, a.attnum";

TargetColumn column_of(const Rows& rows, int row) {
  TargetColumn column;
  column.name = rows.str(row, 0);
  column.type = static_cast<std::uint32_t>(rows.integer(row, 1));
  column.modifier = static_cast<std::int32_t>(rows.integer(row, 2));
  column.spelling = rows.str(row, 3);
  column.equality = rows.str(row, 4);
  column.is_generated = rows.boolean(row, 5);
  column.is_identity_always = rows.boolean(row, 6);
  column.collates_by_bytes = rows.boolean(row, 7);
  column.casts_from_text = rows.boolean(row, 8);
  return column;
}

}  // namespace

Result<std::optional<TargetTable>> read_target_table(Connection& target, const model::Name& name, const Until& until) {
  const Rows found = TRY(target.query(table_sql, {name.schema, name.name}, until));
  if (found.size() == 0) return std::optional<TargetTable>{};
  TargetTable table;
  table.name = name;
  table.is_partitioned = found.boolean(0, 1);
  table.has_active_triggers = found.boolean(0, 2);
  const std::string id = found.str(0, 0);
  const Rows columns = TRY(target.query(columns_sql, {id}, until));
  for (int row = 0; row < columns.size(); ++row) table.columns.push_back(column_of(columns, row));
  const Rows unique = TRY(target.query(unique_sql, {id}, until));
  for (int row = 0; row < unique.size(); ++row) {
    if (row == 0 || unique.text(row, 0) != unique.text(row - 1, 0))
      table.unique.push_back({{}, unique.boolean(row, 2)});
    table.unique.back().columns.push_back(unique.str(row, 1));
  }
  return std::optional<TargetTable>{std::move(table)};
}

Result<bool> are_referred_to(Connection& target, const std::vector<model::Name>& tables, const Until& until) {
  const NameArrays emptied(tables);
  const Rows found = TRY(target.query_row(
      "WITH emptied AS (SELECT c.oid FROM unnest($1::text[], $2::text[]) AS t (schema_name, table_name)"
      "   JOIN pg_namespace n ON n.nspname = t.schema_name"
      "   JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.table_name)"
      " SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid IN (TABLE emptied)"
      "   AND conrelid NOT IN (TABLE emptied))",
      {emptied.schemas(), emptied.names()}, until));
  return found.boolean(0, 0);
}

}  // namespace tributary::postgres::apply
