#include "engine/postgres/snapshot/resume.h"

namespace tributary::postgres {

bool is_worth_keeping(const FollowedTable& table, const pipeline::TableRecord& record) {
  return record.done && table.state == FollowedTable::State::followed;
}

pipeline::TableRecords tables_to_resume(const pipeline::Contents& contents, const FormerTables& former) {
  std::set<model::Name> streamed;
  if (contents.snapshot.stream)
    streamed.insert(contents.snapshot.stream->streamed.begin(), contents.snapshot.stream->streamed.end());
  pipeline::TableRecords worth;
  for (const FollowedTable& each : former.followed) {
    const auto record = former.records.find(each.name);
    if (record == former.records.end() || !is_worth_keeping(each, record->second)) continue;
    if (streamed.count(each.name) != 0) worth.insert(*record);
  }
  pipeline::TableRecords kept;
  for (const model::Table& table : contents.tables) {
    const auto record = worth.find(table.name);
    const auto shape = former.shapes.find(table.name);
    if (record == worth.end() || shape == former.shapes.end()) continue;
    if (words_of(shape->second) != table.shape || former.existing.count(table.name) == 0) continue;
    // Its rows may lie in another table of the route.
    const bool holds_rows = table.route || record->second.count.rows == 0 || former.filled.count(table.name) != 0;
    if (holds_rows) kept.insert(*record);
  }
  forget_broken_routes(contents.tables, kept);
  return kept;
}

void forget_broken_routes(const std::vector<model::Table>& tables, pipeline::TableRecords& kept) {
  std::set<model::Name> broken;
  for (const model::Table& table : tables)
    if (table.route && !kept.contains(table.name)) broken.insert(*table.route);
  for (const model::Table& table : tables)
    if (table.route && broken.contains(*table.route)) kept.erase(table.name);
}

}  // namespace tributary::postgres
