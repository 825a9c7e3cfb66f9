#include "engine/postgres/ledger/rewind.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/schema/undo.h"

namespace tributary::postgres {
namespace {

// Every dropped table holds several locks until its transaction ends.
constexpr int undone_at_once = 200;
constexpr int objects_at_once = 1000;

constexpr std::string_view dependants_exist = "2BP01";
constexpr std::string_view no_such_column = "42703";

struct Undone {
  bool is_gone = true;
  std::string words;  // why not: what the server says of what depends on it
};

// A column that is gone took with it what it had.
Result<Undone> undo_one(Connection& control, const std::string& undo, const Until& until) {
  const Result<void> done = control.execute("SAVEPOINT undo;\n" + undo + "\n;RELEASE SAVEPOINT undo", until);
  if (done) return Undone{};
  const std::string sqlstate = control.sqlstate();
  if (sqlstate != dependants_exist && sqlstate != no_such_column) return done.error();
  TRY(control.execute("ROLLBACK TO SAVEPOINT undo; RELEASE SAVEPOINT undo", until));
  return sqlstate == no_such_column ? Undone{} : Undone{false, done.error().what};
}

Result<void> forget_steps(Connection& control, const Owner& owner, const std::vector<std::string>& numbers,
                          const Until& until) {
  TRY(control.query("DELETE FROM _tributary.step WHERE replication = $1 AND number = ANY($2::bigint[])",
                    {owner.key, array_literal(numbers)}, until));
  return {};
}

Result<void> undo_some(Connection& control, const Owner& owner, const Rows& steps, const Until& until) {
  std::vector<std::string> numbers;
  for (int row = 0; row < steps.size(); ++row) {
    numbers.push_back(steps.str(row, 0));
    const std::string undo = steps.str(row, 2);
    if (undo.empty()) continue;
    const std::string about = "taking back " + steps.str(row, 1) + " of an earlier attempt";
    const Result<Undone> undone = undo_one(control, undo, until);
    if (!undone) return within(about, undone.error());
    // Somebody put objects of his own into a schema that we made: it is his by now.
    if (undone->is_gone || undo.starts_with("DROP SCHEMA ")) continue;
    return Error{Fault::invalid, about + ": " + undone->words,
                 "drop what was made to depend on it since, or the target database"};
  }
  return forget_steps(control, owner, numbers, until);
}

// Of all steps, from the last to the first.
struct Pass {
  std::int64_t before = INT64_MAX;  // steps from this number on are looked through
  bool any_gone = false;
  std::vector<LeftStep> left;
};

Result<void> pass_some(Connection& control, const Owner& owner, const Rows& steps, const std::set<model::Name>& spared,
                       Pass& pass, const Until& until) {
  std::vector<std::string> numbers;
  for (int row = 0; row < steps.size(); ++row) {
    pass.before = steps.integer(row, 0);
    const std::string undo = steps.str(row, 2);
    const std::optional<UndoneRelation> relation = relation_of(undo);
    if (relation && spared.contains(relation->name)) continue;
    const Result<Undone> undone = undo.empty() ? Undone{} : undo_one(control, undo, until);
    if (!undone) return within("taking back " + steps.str(row, 1), undone.error());
    if (undone->is_gone) {
      numbers.push_back(steps.str(row, 0));
    } else {
      pass.left.push_back({steps.str(row, 1), undone->words});
    }
  }
  pass.any_gone = pass.any_gone || !numbers.empty();
  return forget_steps(control, owner, numbers, until);
}

Result<Pass> pass_through(Connection& control, const Owner& owner, const std::set<model::Name>& spared,
                          const Until& until) {
  Pass pass;
  while (true) {
    const Rows steps = TRY(
        control.query("SELECT number, object, undo FROM _tributary.step WHERE replication = $1 AND number < $2::bigint"
                      " ORDER BY number DESC LIMIT " +
                          std::to_string(undone_at_once),
                      {owner.key, std::to_string(pass.before)}, until));
    if (steps.size() == 0) return pass;
    TRY(in_transaction(control, owner, until, [&] { return pass_some(control, owner, steps, spared, pass, until); }));
  }
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

Result<std::vector<LeftStep>> undo_what_nobody_needs(Connection& control, const Owner& owner,
                                                     const std::set<model::Name>& spared, const Until& until) {
  while (true) {
    Pass pass = TRY(pass_through(control, owner, spared, until));
    if (pass.left.empty() || !pass.any_gone) return std::move(pass.left);
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
