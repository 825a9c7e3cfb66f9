#include "engine/postgres/apply/tables.h"

#include "engine/postgres/catalog/firing.h"

namespace tributary::postgres::apply {

using model::LogTable;

bool fits_its_table(const model::Event& event) {
  const std::size_t columns = event.table->columns.size();
  if (event.kind == model::Event::Kind::remove) return event.old_row.size() == columns;
  return event.new_row.size() == columns && (event.old_row.empty() || event.old_row.size() == columns);
}

Tables::Tables(const std::vector<FollowedTable>& followed) {
  for (const FollowedTable& table : followed) {
    if (table.state == FollowedTable::State::followed) followed_[table.name] = table;
    if (table.route) routes_[*table.route].insert(table.name);
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
  table->name = log.name;
  const FollowedTable* const known = followed(log);
  table->is_followed = known != nullptr;
  if (known != nullptr) {
    table->name = known->name;
    table->position = known->position;
    table->route = known->route;
  }
  places_.emplace(&log, table.get());
  return *table;
}

// By its id where the ledger has it: names come and go, and may be another table's by now.
const FollowedTable* Tables::followed(const LogTable& log) const {
  const auto by_name = followed_.find(log.name);
  if (by_name != followed_.end() && by_name->second.id == log.id) return &by_name->second;
  for (const auto& [name, table] : followed_)
    if (table.id == log.id) return &table;
  return by_name != followed_.end() && by_name->second.id == 0 ? &by_name->second : nullptr;
}

Result<void> Tables::make_plan(Table& table, Connection& target, const Until& until) {
  const model::Name& place = table.route ? *table.route : table.name;
  const std::optional<TargetTable> found = TRY(read_target_table(target, place, until));
  if (!found) return Error{Fault::differs, "the target has no table " + model::display(place)};
  if (!quiet_.contains(place)) {
    const std::vector<Firing> firing = TRY(read_firing(target, {place}, Writing::changes, until));
    if (!firing.empty()) return Error{Fault::differs, reason_of(firing.front())};
    quiet_.insert(place);
  }
  table.plan = TRY(plan_table(table.log, *found, table.route ? Holding::shared : Holding::own));
  return {};
}

std::set<model::Name> Tables::on_route(const model::Name& route) const {
  const auto found = routes_.find(route);
  return found == routes_.end() ? std::set<model::Name>{} : found->second;
}

void Tables::forget_statements() {
  for (auto& [id, table] : tables_) table->statements.clear();
}

void Tables::stop(const model::Name& name) {
  followed_.erase(name);
  for (auto& [id, table] : tables_) {
    if (table->name == name) table->is_followed = false;
  }
}

}  // namespace tributary::postgres::apply
