#include "engine/postgres/ledger/target_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "engine/base/log.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/made.h"
#include "engine/postgres/ledger/rewind.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::postgres {
namespace {

// Whoever reads a table keeps it from being dropped, and must not keep others from reading it meanwhile.
constexpr const char* lock_patience = "SET lock_timeout = '10s'";
constexpr std::size_t keys_at_once = 200;

using Reasons = std::map<model::Name, std::string>;

api::Finding finding_of(const std::string& object, const std::string& reason) {
  return {api::Severity::warning, "TargetDataLeft", object, "left on the target: " + reason,
          "drop it by hand once nobody needs it"};
}

std::vector<model::Name> without(const Made& made, const Reasons& left) {
  std::vector<model::Name> names;
  for (const auto& [name, object] : made.relations)
    if (!left.contains(name)) names.push_back(name);
  return names;
}

void keep_if_made(const Made& made, const Rows& tables, const std::string& reason, Reasons& left) {
  for (int row = 0; row < tables.size(); ++row) {
    const model::Name name{tables.str(row, 0), tables.str(row, 1)};
    if (made.relations.contains(name)) left.emplace(name, reason + tables.str(row, 2));
  }
}

// Tables with rows that the ledger does not know of: they have come by their names since.
Result<void> keep_strangers(Connection& control, const Owner& owner, const Made& made, Reasons& left,
                            const Until& until) {
  const NameArrays given(without(made, left));
  const Rows unknown = TRY(
      control.query("SELECT g.schema, g.name FROM unnest($2::text[], $3::text[]) AS g (schema, name)"
                    " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
                    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind = 'r'"
                    " WHERE NOT EXISTS (SELECT FROM _tributary.table_state t WHERE t.replication = $1"
                    "   AND t.schema_name = g.schema AND t.table_name = g.name)",
                    {owner.key, given.schemas(), given.names()}, until));
  std::vector<model::Table> tables(static_cast<std::size_t>(unknown.size()));
  for (int row = 0; row < unknown.size(); ++row)
    tables[static_cast<std::size_t>(row)].name = {unknown.str(row, 0), unknown.str(row, 1)};
  for (const model::Name& name : TRY(tables_with_rows(control, tables, until)))
    left.emplace(name, "it holds rows that the ledger does not know of");
  return {};
}

// What a table that stays shows are the rows of its partitions and heirs. Whether there are any.
Result<bool> keep_heirs(Connection& control, const Made& made, Reasons& left, const Until& until) {
  NameArrays given;
  for (const auto& [name, reason] : left) given.add(name);
  const Rows heirs = TRY(control.query(
      "SELECT hn.nspname, h.relname, pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, c.oid, 0)"
      " FROM unnest($1::text[], $2::text[]) AS g (schema, name)"
      " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind IN ('r', 'p')"
      " JOIN pg_catalog.pg_inherits i ON i.inhparent = c.oid JOIN pg_catalog.pg_class h ON h.oid = i.inhrelid"
      " JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace",
      {given.schemas(), given.names()}, until));
  const std::size_t before = left.size();
  keep_if_made(made, heirs, "its rows are those of ", left);
  return left.size() > before;
}

// What a table that stays refers to stays too.
Result<bool> keep_what_is_needed(Connection& control, const Made& made, Reasons& left, const Until& until) {
  const std::size_t before = left.size();
  for (const Dependant& each : TRY(dependants(control, without(made, left), until)))
    if (!made.holds(each) || left.contains(each.relation)) left.emplace(each.of, each.object + " depends on it");
  return left.size() > before;
}

Result<Reasons> relations_to_leave(Connection& control, const Owner& owner, const Made& made, const Until& until) {
  Reasons left;
  const Rows others = TRY(
      control.query("SELECT schema_name, table_name, replication FROM _tributary.table_state WHERE replication <> $1",
                    {owner.key}, until));
  keep_if_made(made, others, "it belongs to replication ", left);
  TRY(keep_strangers(control, owner, made, left, until));
  bool is_settled = false;
  while (!is_settled) {
    const bool any_needed = TRY(keep_what_is_needed(control, made, left, until));
    const bool any_heirs = TRY(keep_heirs(control, made, left, until));
    is_settled = !any_needed && !any_heirs;
  }
  return left;
}

// Foreign keys between them, which may refer to each other in a circle. Not all have a step: the stream adds some.
Result<void> drop_keys_between(Connection& control, const Owner& owner, const std::vector<model::Name>& tables,
                               const Until& until) {
  const NameArrays given(tables);
  const Rows keys = TRY(control.query(
      "WITH gone AS (SELECT c.oid, g.schema, g.name FROM unnest($1::text[], $2::text[]) AS g (schema, name)"
      "   JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      "   JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name)"
      " SELECT pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I;', a.schema, a.name, k.conname)"
      " FROM pg_catalog.pg_constraint k JOIN gone a ON a.oid = k.conrelid JOIN gone b ON b.oid = k.confrelid"
      " WHERE k.contype = 'f' AND k.conparentid = 0",
      {given.schemas(), given.names()}, until));
  for (std::size_t first = 0; first < static_cast<std::size_t>(keys.size()); first += keys_at_once) {
    std::string sql;
    for (std::size_t row = first; row < std::min(first + keys_at_once, static_cast<std::size_t>(keys.size())); ++row)
      sql += keys.str(static_cast<int>(row), 0);
    TRY(in_transaction(control, owner, until, [&] { return control.execute(sql, until); }));
  }
  return {};
}

// Of the ledger's tables those that are still there, although nobody said why: no step has made them.
Result<void> tell_of_former_tables(Connection& control, const Owner& owner, std::vector<api::Finding>& findings,
                                   const Until& until) {
  std::set<std::string> told;
  for (const api::Finding& finding : findings) told.insert(finding.subject);
  const Rows tables = TRY(control.query(
      "SELECT t.schema_name, t.table_name FROM _tributary.table_state t"
      " JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name"
      " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.table_name AND c.relkind IN ('r', 'p')"
      " WHERE t.replication = $1 ORDER BY 1, 2",
      {owner.key}, until));
  for (int row = 0; row < tables.size(); ++row) {
    const std::string object = "table " + model::display({tables.str(row, 0), tables.str(row, 1)});
    if (!told.contains(object))
      findings.push_back(
          finding_of(object, "it was there before this replication, and keeps the rows that were copied"));
  }
  return {};
}

}  // namespace

Result<std::vector<api::Finding>> drop_target_data(Connection& control, Owner owner, const ReplicationRow& row,
                                                   const Until& until) {
  TRY(control.execute(lock_patience, until));
  TRY(end_old_sessions(control, owner.key, until));
  owner.epoch = TRY(begin_epoch(control, owner, row, until));  // what is taken apart is not complete any more
  TRY(end_old_sessions(control, owner.key, until));
  const Made made = TRY(read_made(control, owner.key, until));
  const Reasons reasons = TRY(relations_to_leave(control, owner, made, until));
  TRY(drop_keys_between(control, owner, without(made, reasons), until));
  std::set<model::Name> spared;
  std::vector<api::Finding> findings;
  for (const auto& [name, reason] : reasons) {
    spared.insert(name);
    findings.push_back(finding_of(made.relations.at(name), reason));
  }
  for (const LeftStep& step : TRY(undo_what_nobody_needs(control, owner, spared, until)))
    findings.push_back(finding_of(step.object, step.reason));
  TRY(unlink_objects(control, owner, until));
  TRY(tell_of_former_tables(control, owner, findings, until));
  TRY(forget_for_good(control, owner, until));
  TRY(drop_unused_control_schema(control, until));
  log::info("dropped what was copied", {{"left", findings.size()}});
  return findings;
}

}  // namespace tributary::postgres
