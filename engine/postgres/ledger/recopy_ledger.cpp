#include "engine/postgres/ledger/recopy_ledger.h"

#include <map>
#include <set>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {

Result<std::uint64_t> ask_for_recopy(Connection& target, const std::string& key, const std::vector<model::Name>& tables,
                                     const std::string& reason, const Until& until) {
  const NameArrays given(tables);
  const Rows asked =
      TRY(target.query("UPDATE _tributary.table_state t SET stream = 'recopy', reason = $4"
                       " FROM unnest($2::text[], $3::text[]) AS g (schema_name, table_name)"
                       " WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name"
                       " AND t.stream IN ('followed', 'stopped', 'not_streamed')"
                       " AND EXISTS (SELECT FROM _tributary.stream s WHERE s.replication = $1 AND NOT s.released)",
                       {key, given.schemas(), given.names(), reason}, until));
  return asked.affected();
}

Result<std::string> read_recopy_request(Connection& target, const std::string& key, const Until& until) {
  const Rows rows = TRY(target.query("SELECT recopy_request FROM _tributary.replication WHERE key = $1", {key}, until));
  return rows.size() == 0 ? std::string() : rows.str(0, 0);
}

Result<void> record_recopy_request(Connection& target, const Owner& owner, const std::string& request,
                                   const Until& until) {
  TRY(target.query("UPDATE _tributary.replication SET recopy_request = $2 WHERE key = $1", {owner.key, request},
                   until));
  return {};
}

Result<std::vector<FollowedTable>> read_recopied_tables(Connection& target, const Owner& owner, const Until& until) {
  std::vector<FollowedTable> wanted = TRY(read_tables_asked_for(target, owner.key, until));
  std::set<model::Name> routes;
  for (const FollowedTable& table : wanted)
    if (table.route) routes.insert(*table.route);
  if (routes.empty()) return wanted;
  std::vector<model::Name> along;
  for (FollowedTable& table : TRY(read_followed_tables(target, owner.key, until))) {
    const bool is_asked = table.state == FollowedTable::State::recopy;
    if (is_asked || !table.route || routes.count(*table.route) == 0 || is_dropped(table)) continue;
    along.push_back(table.name);
    wanted.push_back(std::move(table));
  }
  if (along.empty()) return wanted;
  const Result<void> marked = in_transaction(target, owner, until, [&]() -> Result<void> {
    TRY(ask_for_recopy(target, owner.key, along, "its rows lie in one table with others that are copied again", until));
    return {};
  });
  if (!marked) return marked.error();
  return wanted;
}

Result<void> record_recopied(Connection& target, const Owner& owner, const std::vector<RecopiedTable>& tables,
                             model::Lsn position, const Until& until) {
  std::vector<model::Name> names;
  std::vector<std::string> states, reasons, ids, asked;
  std::vector<DonePart> parts;
  for (const RecopiedTable& each : tables) {
    names.push_back(each.table.name);
    states.push_back(each.is_streamed ? "recopy" : "not_streamed");
    reasons.push_back(each.reason);
    ids.push_back(std::to_string(each.id));
    asked.push_back(each.asked);
    parts.push_back({each.table.name, 0, 1, each.count});
  }
  const NameArrays given(names);
  TRY(
      target.query("DELETE FROM _tributary.part p USING unnest($2::text[], $3::text[]) AS g (schema_name, table_name)"
                   " WHERE p.replication = $1 AND p.schema_name = g.schema_name AND p.table_name = g.table_name",
                   {owner.key, given.schemas(), given.names()}, until));
  const Rows touched = TRY(
      target.query("UPDATE _tributary.table_state t SET position = $4::pg_lsn, state = 'copying',"
                   "   stream = CASE WHEN t.asked = g.asked THEN g.stream ELSE t.stream END,"
                   "   reason = CASE WHEN t.asked = g.asked AND g.stream <> 'recopy' THEN g.reason ELSE t.reason END,"
                   "   parts_done = 0, rows = 0, bytes = 0"
                   " FROM unnest($2::text[], $3::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])"
                   "   AS g (schema_name, table_name, stream, reason, id, asked)"
                   " WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name"
                   " AND t.stream = 'recopy' AND COALESCE(t.shape[1], '0') = g.id",
                   {owner.key, given.schemas(), given.names(), to_string(position), array_literal(states),
                    array_literal(reasons), array_literal(ids), array_literal(asked)},
                   until));
  if (touched.affected() != tables.size())
    return Error{Fault::transient, "the ledger does not say any more that these tables are copied again"};
  return record_parts(target, owner, parts, until);
}

Result<void> end_recopy(Connection& target, const Owner& owner, const std::vector<FollowedTable>& tables,
                        const Until& until) {
  std::map<model::Name, const FollowedTable*> told;
  for (const FollowedTable& each : tables) told.emplace(each.name, &each);
  return in_transaction(target, owner, until, [&]() -> Result<void> {
    std::vector<FollowedTable> ended;
    for (FollowedTable& each : TRY(read_followed_tables(target, owner.key, until))) {
      const auto found = told.find(each.name);
      if (each.state != FollowedTable::State::recopy || found == told.end()) continue;
      if (found->second->id != 0 && found->second->id != each.id) continue;
      if (!found->second->asked.empty() && found->second->asked != each.asked) continue;
      each.state = found->second->state;
      each.reason = found->second->reason;
      ended.push_back(std::move(each));
    }
    return record_followed_tables(target, owner, ended, until);
  });
}

}  // namespace tributary::postgres
