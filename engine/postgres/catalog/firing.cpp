#include "engine/postgres/catalog/firing.h"

#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t relations_at_most = 8;

// Bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h).
constexpr const char* of_changes = "60";  // INSERT, DELETE, UPDATE, TRUNCATE
constexpr const char* of_copy = "36";     // INSERT, TRUNCATE

// Triggers for rows fire where the rows are, so those of a partitioned table are only the model of its partitions';
// triggers for statements fire for the table that the statement names, those for TRUNCATE in its partitions, too. Rules
// are those of the named table, and COPY asks none. Before 13 triggers that partitions have from above count as
// internal.
std::string firing_sql(const char* events, bool with_rules) {
  const std::string rules =
      with_rules ? " UNION ALL SELECT t.root, t.oid, 'RULE', r.rulename, r.ev_enabled FROM tree t"
                   "  JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid WHERE t.oid = t.root AND r.ev_type <> '1'"
                 : "";
  return std::string(
             "WITH RECURSIVE tree (root, oid, relkind) AS ("
             " SELECT c.oid, c.oid, c.relkind FROM unnest($1::text[], $2::text[]) AS g (schema_name, table_name)"
             "  JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema_name"
             "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.table_name"
             "   AND c.relkind IN ('r', 'p')"
             " UNION ALL SELECT t.root, c.oid, c.relkind FROM tree t"
             "  JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid AND t.relkind = 'p'"
             "  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
             "), here (root, oid, kind, name, enabled) AS ("
             " SELECT t.root, t.oid, 'TRIGGER', g.tgname, g.tgenabled FROM tree t"
             "  JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid WHERE (g.tgtype & ") +
         events +
         ") <> 0 AND CASE WHEN (g.tgtype & 1) <> 0 THEN t.relkind <> 'p'"
         "   ELSE t.oid = t.root OR (g.tgtype & 32) <> 0 END"
         "  AND NOT (g.tgisinternal AND EXISTS (SELECT FROM pg_catalog.pg_constraint k"
         "   WHERE k.oid = g.tgconstraint AND k.contype <> 't'))" +
         rules +
         ") SELECT n.nspname, c.relname, quote_ident(m.nspname) || '.' || quote_ident(d.relname), h.kind = 'RULE',"
         " quote_ident(h.name), h.enabled = 'O', quote_ident(current_user)"
         " FROM here h JOIN pg_catalog.pg_class c ON c.oid = h.root"
         " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
         " JOIN pg_catalog.pg_class d ON d.oid = h.oid JOIN pg_catalog.pg_namespace m ON m.oid = d.relnamespace"
         " WHERE h.enabled = 'A' OR h.enabled = CASE pg_catalog.current_setting('session_replication_role')"
         "  WHEN 'replica' THEN 'R'::\"char\" ELSE 'O'::\"char\" END"
         " ORDER BY 1, 2, h.oid <> h.root, 3, 4, 5";
}

const std::string firing_for_copy = firing_sql(of_copy, false);

// What fires of one relation.
struct Group {
  std::string relation;
  std::vector<std::string> names;
  std::string statement;
};

Group group_of(const Rows& rows, int& row, int end) {
  Group group;
  group.relation = rows.str(row, 2);
  group.statement = "ALTER TABLE " + group.relation;
  for (; row < end && rows.text(row, 2) == group.relation; ++row) {
    const bool is_rule = rows.boolean(row, 3);
    const std::string name = rows.str(row, 4);
    group.statement += (group.names.empty() ? "" : ",") + std::string(is_rule ? " DISABLE RULE " : " DISABLE TRIGGER ");
    group.statement += name;
    group.names.push_back((is_rule ? "rule " : "trigger ") + name);
  }
  return group;
}

std::string enumerated(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t at = 0; at < names.size(); ++at)
    text += (at == 0 ? "" : at + 1 == names.size() ? " and " : ", ") + names[at];
  return text;
}

// The rows from `row` on that are about one table.
Firing firing_of(const Rows& rows, int& row, int major) {
  Firing firing;
  firing.table = {rows.str(row, 0), rows.str(row, 1)};
  int end = row;
  bool for_want_of_right = true;
  for (; end < rows.size() && model::Name{rows.str(end, 0), rows.str(end, 1)} == firing.table; ++end)
    for_want_of_right = for_want_of_right && rows.boolean(end, 5);
  const std::string role = rows.str(row, 6);
  std::string statements;
  std::size_t relations = 0;
  for (; row < end; ++relations) {
    const Group group = group_of(rows, row, end);
    if (relations >= relations_at_most) continue;
    firing.what += (relations == 0 ? "" : ", ") + enumerated(group.names) + " of " + group.relation;
    statements += (relations == 0 ? "" : "; ") + group.statement;
  }
  if (relations > relations_at_most) {
    const std::string more = std::to_string(relations - relations_at_most) + " more partitions";
    firing.what += " and those of " + more;
    statements += " and likewise for " + more;
  }
  firing.what += " would fire for what is written to it";
  if (for_want_of_right) firing.what += ", since role " + role + " may not set session_replication_role";
  if (for_want_of_right && major >= 15)
    firing.remedy = "GRANT SET ON PARAMETER session_replication_role TO " + role + ", or ";
  firing.remedy += statements;
  return firing;
}

}  // namespace

const std::string firing_for_changes = firing_sql(of_changes, true);

Result<std::vector<Firing>> read_firing(Connection& target, const std::vector<model::Name>& tables, Writing writing,
                                        const Until& until) {
  const NameArrays names(tables);
  const Rows rows = TRY(target.query(writing == Writing::copy ? firing_for_copy : firing_for_changes,
                                     {names.schemas(), names.names()}, until));
  std::vector<Firing> found;
  for (int row = 0; row < rows.size();) found.push_back(firing_of(rows, row, target.major_version()));
  return found;
}

std::string reason_of(const Firing& firing) {
  return "on the target, " + firing.what + ": " + firing.remedy + " there, then copy the table again";
}

}  // namespace tributary::postgres
