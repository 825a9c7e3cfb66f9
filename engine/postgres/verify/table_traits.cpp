#include "engine/postgres/verify/table_traits.h"

#include <unordered_map>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres::verify {
namespace {

// A partitioned table has the size of its leaves. What was never analysed says 0 or less rows.
constexpr const char* tables = R"sql(
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', size.rows, size.bytes
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_namespace n ON n.nspname = wanted.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind IN ('r', 'p')
CROSS JOIN LATERAL (
  SELECT coalesce(sum(greatest(l.reltuples, 0)), 0) AS rows, coalesce(sum(pg_table_size(l.oid)), 0) AS bytes
  FROM pg_class l WHERE CASE c.relkind WHEN 'r' THEN l.oid = c.oid
    ELSE l.relkind = 'r' AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid)) END) AS size)sql";

constexpr const char* others = R"sql(
SELECT n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
  WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'index' END
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_namespace n ON n.nspname = wanted.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind NOT IN ('r', 'p'))sql";

constexpr const char* columns = R"sql(
WITH RECURSIVE base AS (
  SELECT t.oid AS of, t.oid, t.typtype, t.typbasetype, t.typname, t.typnamespace, t.typcategory FROM pg_type t
  WHERE t.oid IN (SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1::oid[]) AND attnum > 0)
  UNION ALL
  SELECT b.of, t.oid, t.typtype, t.typbasetype, t.typname, t.typnamespace, t.typcategory
  FROM base b JOIN pg_type t ON b.typtype = 'd' AND t.oid = b.typbasetype)
SELECT a.attrelid, a.attname,
  CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN b.typname
    WHEN b.typtype = 'e' AND b.oid = a.atttypid THEN 'anyenum' ELSE '' END,
  format_type(a.atttypid, a.atttypmod), b.typname = 'bpchar' AND b.oid = a.atttypid AND a.atttypmod > 4,
  a.attgenerated <> '',
  CASE WHEN a.attcollation = 0 OR o.collname IN ('C', 'POSIX') THEN true
    WHEN o.collname = 'default' THEN d.datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') <> 'i'
    ELSE false END,
  b.typnamespace = 'pg_catalog'::regnamespace OR b.typtype IN ('e', 'r', 'm') OR b.typcategory = 'A',
  coalesce(o.collisdeterministic, true), a.attidentity = 'a', a.attnotnull
FROM pg_attribute a JOIN base b ON b.of = a.atttypid AND b.typtype <> 'd'
LEFT JOIN pg_collation o ON o.oid = a.attcollation
JOIN pg_database d ON d.datname = current_database()
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum)sql";

// Unique over time ranges (18) is not unique by equality. One that is checked at the end of a transaction holds for all
// that a snapshot shows.
constexpr const char* keys = R"sql(
SELECT i.indrelid, array(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND NOT i.indisexclusion
  AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts AND (NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint c
      WHERE c.conrelid = i.indrelid AND c.contype = 'n' AND NOT c.convalidated AND k.number = ANY (c.conkey))))
ORDER BY i.indrelid, NOT i.indisprimary, i.indnkeyatts, i.indexrelid)sql";

using ById = std::unordered_map<std::uint32_t, TableTraits*>;

std::uint32_t id_in(const Rows& rows, int row) {
  return static_cast<std::uint32_t>(rows.integer(row, 0));
}

Result<void> add_columns(Connection& connection, const std::string& ids, const ById& by_id, const Until& until) {
  const Rows rows = TRY(connection.query(columns, {ids}, until));
  for (int row = 0; row < rows.size(); ++row)
    by_id.at(id_in(rows, row))
        ->columns.push_back({rows.str(row, 1), rows.str(row, 2), rows.str(row, 3), rows.boolean(row, 4),
                             rows.boolean(row, 5), rows.boolean(row, 6), rows.boolean(row, 7), rows.boolean(row, 8),
                             rows.boolean(row, 9), rows.boolean(row, 10)});
  return {};
}

Result<void> add_keys(Connection& connection, const std::string& ids, const ById& by_id, const Until& until) {
  const Rows rows = TRY(connection.query(keys, {ids}, until));
  for (int row = 0; row < rows.size(); ++row)
    by_id.at(id_in(rows, row))->keys.push_back(TRY(parse_array(rows.text(row, 1))));
  return {};
}

}  // namespace

Result<std::vector<TableTraits>> read_table_traits(Connection& connection, const std::vector<model::Name>& names,
                                                   const Until& until) {
  const NameArrays wanted(names);
  const Rows rows = TRY(connection.query(tables, {wanted.schemas(), wanted.names()}, until));
  std::vector<TableTraits> traits;
  std::vector<std::string> ids;
  for (int row = 0; row < rows.size(); ++row) {
    traits.push_back({{rows.str(row, 1), rows.str(row, 2)},
                      id_in(rows, row),
                      rows.boolean(row, 3),
                      rows.real(row, 4),
                      static_cast<std::uint64_t>(rows.integer(row, 5))});
    ids.push_back(rows.str(row, 0));
  }
  ById by_id;
  for (TableTraits& each : traits) by_id[each.id] = &each;
  TRY(add_columns(connection, array_literal(ids), by_id, until));
  TRY(add_keys(connection, array_literal(ids), by_id, until));
  return traits;
}

Result<std::map<model::Name, std::string>> read_other_relations(Connection& connection,
                                                                const std::vector<model::Name>& names,
                                                                const Until& until) {
  const NameArrays wanted(names);
  const Rows rows = TRY(connection.query(others, {wanted.schemas(), wanted.names()}, until));
  std::map<model::Name, std::string> relations;
  for (int row = 0; row < rows.size(); ++row) relations[{rows.str(row, 0), rows.str(row, 1)}] = rows.str(row, 2);
  return relations;
}

}  // namespace tributary::postgres::verify
