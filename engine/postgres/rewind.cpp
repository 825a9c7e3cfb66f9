#include "engine/postgres/rewind.h"

#include <map>
#include <string_view>

#include "engine/postgres/array_literal.h"
#include "engine/postgres/name_arrays.h"
#include "engine/postgres/occupancy.h"
#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

// Every dropped table holds several locks until its transaction ends.
constexpr int undone_at_once = 200;
constexpr int objects_at_once = 1000;

constexpr std::string_view dependants_exist = "2BP01";

// Somebody put objects of his own into a schema that we made: it is his by now.
Result<void> drop_schema(Connection& control, const std::string& undo, const Until& until) {
  TRY(control.execute("SAVEPOINT undo", until));
  const Result<void> dropped = control.execute(undo, until);
  if (!dropped && control.sqlstate() != dependants_exist) return dropped;
  return control.execute(dropped ? "RELEASE SAVEPOINT undo" : "ROLLBACK TO SAVEPOINT undo", until);
}

Result<void> undo_some(Connection& control, const Owner& owner, const Rows& steps, const Until& until) {
  std::vector<std::string> numbers;
  for (int row = 0; row < steps.size(); ++row) {
    numbers.push_back(steps.str(row, 0));
    const std::string undo = steps.str(row, 2);
    if (undo.empty()) continue;
    const bool schema = undo.starts_with("DROP SCHEMA ");
    const Result<void> undone = schema ? drop_schema(control, undo, until) : control.execute(undo, until);
    if (undone) continue;
    Error error = within("taking back " + steps.str(row, 1) + " of an earlier attempt", undone.error());
    if (control.sqlstate() == dependants_exist)
      error = {Fault::invalid, error.what, "drop what was made to depend on it since, or the target database"};
    return error;
  }
  TRY(control.query("DELETE FROM _tributary.step WHERE replication = $1 AND number = ANY($2::bigint[])",
                    {owner.key, array_literal(numbers)}, until));
  return {};
}

using Conditions = std::map<model::Name, std::string>;

Result<void> empty_some(Connection& control, const Owner& owner, const Rows& tables, const Conditions& conditions,
                        const Until& until) {
  NameArrays given;
  std::string filled;
  for (int row = 0; row < tables.size(); ++row) {
    const model::Name name{tables.str(row, 0), tables.str(row, 1)};
    given.add(name);
    if (!tables.boolean(row, 2)) continue;
    const auto condition = conditions.find(name);
    if (condition != conditions.end())
      TRY(control.execute("DELETE FROM ONLY " + quote_name(condition->first) + " " + condition->second, until));
    else
      filled += (filled.empty() ? "TRUNCATE ONLY " : ", ONLY ") + quote_name(name);
  }
  if (!filled.empty()) TRY(control.execute(filled, until));
  TRY(control.query(
      "WITH given AS (SELECT * FROM unnest($3::text[], $4::text[]) AS g (schema_name, table_name)),"
      " parts AS (DELETE FROM _tributary.part WHERE replication = $1"
      "   AND (schema_name, table_name) IN (SELECT * FROM given))"
      " UPDATE _tributary.table_state SET state = 'copying', parts_done = 0, rows = 0, bytes = 0, position = NULL,"
      "   stream = NULL, reason = '', epoch = $2"
      " WHERE replication = $1 AND (schema_name, table_name) IN (SELECT * FROM given)",
      {owner.key, std::to_string(owner.epoch), given.schemas(), given.names()}, until));
  return {};
}

}  // namespace

Result<void> undo_steps(Connection& control, const Owner& owner, const std::set<std::string>& keep,
                        const Until& until) {
  const std::string kept = array_literal({keep.begin(), keep.end()});
  while (true) {
    const Rows steps = TRY(control.query(
        "SELECT number, object, undo FROM _tributary.step WHERE replication = $1 AND digest <> ALL($2::text[])"
        " ORDER BY number DESC LIMIT " +
            std::to_string(undone_at_once),
        {owner.key, kept}, until));
    if (steps.size() == 0) return {};
    TRY(in_transaction(control, owner, until, [&] { return undo_some(control, owner, steps, until); }));
  }
}

Result<void> unlink_objects(Connection& control, const Owner& owner, const Until& until) {
  while (true) {
    std::uint64_t removed = 0;
    const Result<void> unlinked = in_transaction(control, owner, until, [&]() -> Result<void> {
      const Rows rows = TRY(control.query(
          "WITH gone AS (DELETE FROM _tributary.large_object WHERE replication = $1 AND id IN (SELECT id FROM"
          "   _tributary.large_object WHERE replication = $1 LIMIT " +
              std::to_string(objects_at_once) +
              ") RETURNING id)"
              " SELECT (SELECT pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = id)"
              " FROM gone",
          {owner.key}, until));
      removed = static_cast<std::uint64_t>(rows.size());
      return {};
    });
    if (!unlinked) return unlinked.error();
    if (removed == 0) return {};
  }
}

// The ledger's foreign keys do not fire in a session that loads data: part rows go by themselves.
// Of the tables on a route, one with a part done tells that all may hold rows: those are emptied last. A table that is
// there stays known as ours, whenever this ends.
Result<void> empty_tables(Connection& control, const Owner& owner, const std::vector<model::Table>& tables,
                          const pipeline::TableRecords& kept, const Until& until) {
  NameArrays spared, routed;
  std::vector<std::string> routes;
  for (const auto& [name, record] : kept) spared.add(name);
  for (const model::Table& table : tables) {
    if (!table.route) continue;
    routed.add(table.name);
    routes.push_back(quote_name(*table.route));
  }
  const std::vector<std::optional<std::string>> values{
      owner.key,      std::to_string(owner.epoch), spared.schemas(), spared.names(), routed.schemas(),
      routed.names(), array_literal(routes)};
  const Conditions conditions = TRY(read_config_tables(control, until));
  while (true) {
    const Rows some = TRY(control.query(
        "WITH routed AS (SELECT * FROM unnest($5::text[], $6::text[], $7::text[]) AS g (schema, name, route)),"
        " written AS (SELECT DISTINCT r.route FROM routed r JOIN _tributary.table_state s ON s.replication = $1"
        "   AND s.schema_name = r.schema AND s.table_name = r.name AND s.parts_done > 0)"
        " SELECT t.schema_name, t.table_name, c.oid IS NOT NULL AND (t.parts_done > 0 OR w.route IS NOT NULL)"
        " FROM _tributary.table_state t"
        " LEFT JOIN routed r ON r.schema = t.schema_name AND r.name = t.table_name"
        " LEFT JOIN written w ON w.route = r.route"
        " LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name"
        " LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.table_name AND c.relkind = 'r'"
        " WHERE t.replication = $1 AND t.epoch < $2 AND (t.schema_name, t.table_name) NOT IN"
        "   (SELECT * FROM unnest($3::text[], $4::text[])) ORDER BY t.parts_done > 0 LIMIT " +
            std::to_string(undone_at_once),
        values, until));
    if (some.size() == 0) return {};
    TRY(in_transaction(control, owner, until, [&] { return empty_some(control, owner, some, conditions, until); }));
  }
}

}  // namespace tributary::postgres
