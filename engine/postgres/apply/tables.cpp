#include "engine/postgres/apply/tables.h"

namespace tributary::postgres::apply {

using model::LogTable;

Tables::Tables(const std::vector<FollowedTable>& followed) {
  for (const FollowedTable& table : followed) {
    if (table.state == FollowedTable::State::followed) followed_[table.name] = table.position;
  }
}

Table* Tables::find(const LogTable& log) {
  const auto place = places_.find(&log);
  if (place != places_.end()) return place->second;
  const auto known = tables_.find(log.id);
  if (known == tables_.end() || !is_same(known->second->log, log)) return nullptr;
  places_.emplace(&log, known->second.get());
  return known->second.get();
}

Table& Tables::describe(const LogTable& log) {
  auto& table = tables_[log.id] = std::make_unique<Table>();
  places_.clear();
  table->log = log;
  const auto followed = followed_.find(log.name);
  table->is_followed = followed != followed_.end();
  if (table->is_followed) table->position = followed->second;
  places_.emplace(&log, table.get());
  return *table;
}

Result<void> Tables::make_plan(Table& table, Connection& target, const Until& until) {
  const std::optional<TargetTable> found = TRY(read_target_table(target, table.log.name, until));
  if (!found) return Error{Fault::differs, "the target has no such table"};
  table.plan = TRY(plan_table(table.log, *found));
  return {};
}

void Tables::forget_statements() {
  for (auto& [id, table] : tables_) table->statements.clear();
}

void Tables::stop(const model::Name& name) {
  followed_.erase(name);
  for (auto& [id, table] : tables_) {
    if (table->log.name == name) table->is_followed = false;
  }
}

}  // namespace tributary::postgres::apply
