#include "engine/postgres/pgoutput/changes.h"

#include <string>
#include <variant>
#include <vector>

namespace tributary::postgres::pgoutput {
namespace {

using model::Event;

Result<const Relations::Table*> described(const Relations& relations, RelationId relation) {
  const Relations::Table* const table = relations.find(relation);
  if (table != nullptr) return table;
  return Error{Fault::failed, "a change of relation " + std::to_string(relation) + ", which was not described"};
}

// One copy of all its bytes; the values lead into that.
Result<model::Row> keep(const Tuple& tuple, const model::LogTable& table, model::Batch& batch) {
  if (tuple.columns != table.columns.size()) {
    return Error{Fault::failed, "table " + display(table.name) + ": a row of " + std::to_string(tuple.columns) +
                                    " columns where the table was described with " +
                                    std::to_string(table.columns.size())};
  }
  const std::span<model::Value> row = batch.row(tuple.columns);
  read_row({tuple.columns, batch.keep(tuple.encoded)}, row);
  return model::Row(row);
}

}  // namespace

Result<void> Changes::add(const Message& message, std::uint64_t arrival, model::Batch& batch) {
  if (const auto* change = std::get_if<Insert>(&message.body)) return insert(*change, batch);
  if (const auto* change = std::get_if<Update>(&message.body)) return update(*change, batch);
  if (const auto* change = std::get_if<Delete>(&message.body)) return remove(*change, batch);
  if (const auto* change = std::get_if<Truncate>(&message.body)) return truncate(*change, batch);
  if (const auto* relation = std::get_if<Relation>(&message.body)) relations_.describe(relation->table, arrival);
  return {};
}

Result<void> Changes::insert(const Insert& insert, model::Batch& batch) const {
  const Relations::Table& table = *TRY(described(relations_, insert.relation));
  Event event;
  event.kind = Event::Kind::insert;
  event.new_row = TRY(keep(insert.new_row, *table, batch));
  event.table = batch.keep(table);
  batch.add(event);
  return {};
}

Result<void> Changes::update(const Update& update, model::Batch& batch) const {
  const Relations::Table& table = *TRY(described(relations_, update.relation));
  Event event;
  event.kind = Event::Kind::update;
  if (update.old_is != OldRow::none) event.old_row = TRY(keep(update.old_row, *table, batch));
  event.old_is_whole = update.old_is == OldRow::whole;
  event.new_row = TRY(keep(update.new_row, *table, batch));
  event.table = batch.keep(table);
  batch.add(event);
  return {};
}

Result<void> Changes::remove(const Delete& removed, model::Batch& batch) const {
  const Relations::Table& table = *TRY(described(relations_, removed.relation));
  Event event;
  event.kind = Event::Kind::remove;
  event.old_row = TRY(keep(removed.old_row, *table, batch));
  event.old_is_whole = removed.old_is == OldRow::whole;
  event.table = batch.keep(table);
  batch.add(event);
  return {};
}

Result<void> Changes::truncate(const Truncate& truncate, model::Batch& batch) const {
  std::vector<const model::LogTable*> tables;
  for (const RelationId relation : truncate.relations) {
    tables.push_back(batch.keep(*TRY(described(relations_, relation))));
  }
  Event event;
  event.kind = Event::Kind::truncate;
  event.truncated = batch.keep(tables);
  event.cascade = truncate.cascade;
  event.restart_identity = truncate.restart_identity;
  batch.add(event);
  return {};
}

}  // namespace tributary::postgres::pgoutput
