#include "engine/postgres/ledger/shape_ledger.h"

#include <utility>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/schema/undo.h"

namespace tributary::postgres {
namespace {

// What takes the table back, or a part of it, is to find it under its new name.
Result<void> rename_in_steps(Connection& target, const Owner& owner, const model::Name& from, const model::Name& to,
                             const Until& until) {
  const Rows steps =
      TRY(target.query("SELECT number, object, undo FROM _tributary.step WHERE replication = $1"
                       " AND strpos(undo, $2) > 0",
                       {owner.key, quote_name(from)}, until));
  for (int row = 0; row < steps.size(); ++row) {
    const std::string object = steps.str(row, 1);
    const std::string undo = steps.str(row, 2);
    const std::string renamed = with_new_name(undo, from, to);
    if (renamed == undo) continue;
    const bool is_it = object == "table " + model::display(from);
    TRY(target.query("UPDATE _tributary.step SET object = $3, undo = $4 WHERE replication = $1 AND number = $2::bigint",
                     {owner.key, steps.str(row, 0), is_it ? "table " + model::display(to) : object, renamed}, until));
  }
  return {};
}

}  // namespace

Result<std::map<model::Name, TableShape>> read_recorded_shapes(Connection& target, const std::string& key,
                                                               const Until& until) {
  const Rows rows =
      TRY(target.query("SELECT schema_name, table_name, shape FROM _tributary.table_state"
                       " WHERE replication = $1 AND shape <> '{}'",
                       {key}, until));
  std::map<model::Name, TableShape> shapes;
  for (int row = 0; row < rows.size(); ++row) {
    const std::vector<std::string> words = TRY(parse_array(rows.text(row, 2)));
    shapes.emplace(model::Name{rows.str(row, 0), rows.str(row, 1)}, TRY(shape_of(words)));
  }
  return shapes;
}

Result<void> record_shape(Connection& target, const Owner& owner, const model::Name& table, const TableShape& shape,
                          const Until& until) {
  TRY(
      target.query("UPDATE _tributary.table_state SET shape = $4::text[], storage = $5 WHERE replication = $1"
                   " AND schema_name = $2 AND table_name = $3",
                   {owner.key, table.schema, table.name, array_literal(words_of(shape)), shape.storage}, until));
  return {};
}

// Parts refer to their table by its name.
Result<void> record_new_name(Connection& target, const Owner& owner, const model::Name& from, const model::Name& to,
                             const Until& until) {
  const std::vector<std::optional<std::string>> names{owner.key, from.schema, from.name, to.schema, to.name};
  const std::string is_it = " WHERE replication = $1 AND schema_name = $2 AND table_name = $3";
  TRY(
      target.query("INSERT INTO _tributary.table_state SELECT (jsonb_populate_record(t,"
                   " jsonb_build_object('schema_name', $4::text, 'table_name', $5::text))).*"
                   " FROM _tributary.table_state t" +
                       is_it,
                   names, until));
  TRY(target.query("UPDATE _tributary.part SET schema_name = $4, table_name = $5" + is_it, names, until));
  TRY(
      target.query("UPDATE _tributary.table_state SET route_schema = $4, route_name = $5"
                   " WHERE replication = $1 AND route_schema = $2 AND route_name = $3",
                   names, until));
  TRY(target.query("DELETE FROM _tributary.table_state" + is_it, {names[0], names[1], names[2]}, until));
  return rename_in_steps(target, owner, from, to, until);
}

Result<void> record_new_table(Connection& target, const Owner& owner, const model::Table& table, const Until& until) {
  const model::Name route = table.route.value_or(model::Name{});
  TRY(
      target.query("INSERT INTO _tributary.table_state (replication, schema_name, table_name, state, storage, parts,"
                   "   parts_done, epoch, route_schema, route_name, shape)"
                   " VALUES ($1, $2, $3, 'done', $4, 1, 1, $5::bigint, NULLIF($6, ''), NULLIF($7, ''), $8::text[])"
                   " ON CONFLICT (replication, schema_name, table_name) DO UPDATE SET storage = excluded.storage,"
                   "   route_schema = excluded.route_schema, route_name = excluded.route_name, shape = excluded.shape",
                   {owner.key, table.name.schema, table.name.name, table.storage, std::to_string(owner.epoch),
                    route.schema, route.name, array_literal(table.shape)},
                   until));
  return {};
}

Result<std::vector<model::Name>> read_gone_tables(Connection& target, const std::vector<model::Name>& tables,
                                                  const Until& until) {
  const NameArrays names(tables);
  const Rows rows =
      TRY(target.query("SELECT g.schema_name, g.table_name FROM unnest($1::text[], $2::text[])"
                       "   AS g (schema_name, table_name)"
                       " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c"
                       "   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       "   WHERE n.nspname = g.schema_name AND c.relname = g.table_name)",
                       {names.schemas(), names.names()}, until));
  return names_in(rows);
}

// In a session whose role is replica nothing cascades.
Result<void> forget_tables(Connection& target, const Owner& owner, const std::vector<model::Name>& tables,
                           const Until& until) {
  const NameArrays names(tables);
  TRY(
      target.query("WITH gone AS (DELETE FROM _tributary.table_state t"
                   "   USING unnest($2::text[], $3::text[]) AS g (schema_name, table_name)"
                   "   WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name"
                   "   AND t.stream = 'stopped' AND starts_with(t.reason, $4) RETURNING t.schema_name, t.table_name)"
                   " DELETE FROM _tributary.part p USING gone g"
                   " WHERE p.replication = $1 AND p.schema_name = g.schema_name AND p.table_name = g.table_name",
                   {owner.key, names.schemas(), names.names(), std::string(dropped_on_source)}, until));
  return {};
}

Result<std::vector<model::Name>> read_aged_tables(Connection& target, const std::string& key, Seconds age,
                                                  const Until& until) {
  const Rows rows =
      TRY(target.query("SELECT schema_name, table_name FROM _tributary.table_state WHERE replication = $1"
                       " AND stream = 'not_streamed' AND asked < pg_catalog.now() - $2::bigint * interval '1 second'",
                       {key, std::to_string(age.count())}, until));
  return names_in(rows);
}

Result<void> record_asked(Connection& target, const Owner& owner, const std::vector<model::Name>& tables,
                          const Until& until) {
  const NameArrays names(tables);
  TRY(
      target.query("UPDATE _tributary.table_state t SET asked = pg_catalog.now()"
                   " FROM unnest($2::text[], $3::text[]) AS g (schema_name, table_name)"
                   " WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name",
                   {owner.key, names.schemas(), names.names()}, until));
  return {};
}

}  // namespace tributary::postgres
