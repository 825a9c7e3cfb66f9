#include "engine/postgres/sync/type_forms.h"

#include <map>
#include <utility>

#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/sync/table_moves.h"
#include "engine/postgres/sync/type_uses.h"

namespace tributary::postgres::sync {
namespace {

// Of pg_type "t", the same on every major, which quotes other words. Attributes by their place, by which values are
// written. An extension may lie in another schema.
std::string spelt(const std::string& type, const std::string& modifier) {
  return "CASE WHEN EXISTS (SELECT FROM pg_depend d JOIN pg_type x ON x.oid = " + type +
         " WHERE d.classid = 'pg_type'::regclass AND d.objid IN (x.oid, x.typelem) AND d.deptype = 'e') THEN"
         " regexp_replace(format_type(" +
         type + ", " + modifier + "), '^.*[.]', '') ELSE format_type(" + type + ", " + modifier + ") END";
}

std::string form() {
  return "CASE t.typtype WHEN 'd' THEN " + spelt("t.typbasetype", "t.typtypmod") +
         " ELSE '(' || (SELECT coalesce(string_agg(CASE WHEN a.attname ~ '^[a-z_][a-z0-9_]*$' THEN a.attname::text"
         " ELSE '\"' || replace(a.attname, '\"', '\"\"') || '\"' END || ' ' || " +
         spelt("a.atttypid", "a.atttypmod") +
         ", ', ' ORDER BY a.attnum), '') FROM pg_attribute a"
         " WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) || ')' END";
}

constexpr const char* domains_and_composites = "(t.typtype = 'd' OR (t.typtype = 'c' AND c.relkind = 'c'))";

constexpr const char* of_these_types =
    " FROM unnest($1::text[], $2::text[]) AS g (schema_name, type_name) JOIN pg_namespace n ON n.nspname = "
    "g.schema_name"
    " JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = g.type_name AND t.typtype IN ('c', 'd')";

// Of what the target has of them.
Result<std::map<model::Name, std::string>> read_there(Connection& target, const std::vector<TypeForm>& types,
                                                      const Until& until) {
  NameArrays names;
  for (const TypeForm& each : types) names.add(each.name);
  const Rows rows = TRY(
      target.query("SELECT n.nspname, t.typname, " + form() + of_these_types, {names.schemas(), names.names()}, until));
  std::map<model::Name, std::string> forms;
  for (int row = 0; row < rows.size(); ++row)
    forms.emplace(model::Name{rows.str(row, 0), rows.str(row, 1)}, rows.str(row, 2));
  return forms;
}

}  // namespace

Result<std::vector<TypeForm>> read_type_forms(Connection& source, const Until& until) {
  std::vector<TypeForm> types;
  for (UsedType& each : TRY(read_used_types(source, domains_and_composites, form(), until)))
    types.push_back({std::move(each.name), std::move(each.answer), std::move(each.tables)});
  return types;
}

Result<bool> stop_where_forms_differ(Claimed& claimed, const std::vector<TypeForm>& types, const Until& until) {
  if (types.empty()) return false;
  const std::map<model::Name, std::string> there = TRY(read_there(claimed.control, types, until));
  bool changed = false;
  for (const TypeForm& each : types) {
    const auto found = there.find(each.name);
    if (found == there.end() || found->second == each.form) continue;
    const std::string type = "type " + model::display(each.name);
    const std::vector<FollowedTable> stopped =
        moved(tables_of(each.tables, TRY(read_followed_tables(claimed.control, claimed.owner.key, until))),
              FollowedTable::State::stopped,
              type + " of its rows is " + each.form + " on the source and " + found->second +
                  " on the target; make the target's what the source's is, then copy the table again");
    if (stopped.empty()) continue;
    changed = true;
    TRY(in_transaction(claimed.control, claimed.owner, until,
                       [&] { return record_followed_tables(claimed.control, claimed.owner, stopped, until); }));
  }
  return changed;
}

}  // namespace tributary::postgres::sync
