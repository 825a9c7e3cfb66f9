#include "engine/postgres/apply/scope.h"

#include <optional>
#include <utility>

namespace tributary::postgres::apply {

Result<Scope> read_scope(Connection& connection, const std::string& key, const Until& until) {
  const std::optional<StreamRow> stream = TRY(read_stream(connection, key, until));
  if (!stream)
    return Error{Fault::missing, "the target's ledger has no stream of replication " + key,
                 "begin with a snapshot that the stream follows"};
  return Scope{stream->position, TRY(read_followed_tables(connection, key, until))};
}

Result<Scope> read_scope(Connection& connection, const std::string& key, const std::vector<model::Name>& tables,
                         const Until& until) {
  Scope scope;
  scope.recopied = tables;
  for (FollowedTable& each : TRY(read_followed_tables(connection, key, tables, until))) {
    if (each.state != FollowedTable::State::recopy) continue;
    each.state = FollowedTable::State::followed;
    scope.tables.push_back(std::move(each));
  }
  if (scope.tables.size() != tables.size() || tables.empty())
    return Error{Fault::missing, "the target's ledger does not know all the tables that are copied again"};
  scope.position.applied = scope.tables.front().position;
  for (const FollowedTable& each : scope.tables)
    if (each.position != scope.position.applied)
      return Error{Fault::failed, "the tables that are copied again are not of one position"};
  return scope;
}

}  // namespace tributary::postgres::apply
