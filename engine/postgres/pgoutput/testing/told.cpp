#include "engine/postgres/pgoutput/testing/told.h"

#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput::wire {
namespace {

using model::Event;

std::string row_of(model::Row row) {
  std::string told = " (";
  for (const model::Value& value : row) {
    if (told.size() > 2) told += ',';
    if (value.kind == model::Value::Kind::null) told += "null";
    if (value.kind == model::Value::Kind::unchanged) told += "unchanged";
    if (value.kind == model::Value::Kind::text) told += value.bytes;
  }
  return told + ")";
}

std::string old_row_of(const Event& event) {
  if (event.old_row.empty()) return "";
  return (event.old_is_whole ? " whole" : " key") + row_of(event.old_row);
}

std::string told_of(const Event& event) {
  switch (event.kind) {
    case Event::Kind::begin:
      return "begin " + to_string(event.lsn) + " of " + std::to_string(event.transaction);
    case Event::Kind::commit:
      return "commit " + to_string(event.lsn) + " end " + to_string(event.end);
    case Event::Kind::insert:
      return "insert " + display(event.table->name) + row_of(event.new_row);
    case Event::Kind::update:
      return "update " + display(event.table->name) + old_row_of(event) + row_of(event.new_row);
    case Event::Kind::remove:
      return "delete " + display(event.table->name) + old_row_of(event);
    case Event::Kind::idle:
      return "idle " + to_string(event.end);
    case Event::Kind::truncate:
      break;
  }
  std::string told = "truncate";
  for (const model::LogTable* table : event.truncated) told += " " + display(table->name);
  return told + (event.cascade ? " cascade" : "") + (event.restart_identity ? " restart" : "");
}

Result<void> give(Assembler& assembler, const std::string& message, std::size_t byte_limit,
                  std::vector<std::string>& all) {
  const auto add = [&](const model::Batch& batch) {
    for (std::string& one : told(batch)) all.push_back(std::move(one));
  };
  model::Batch first;
  TRY(assembler.take(bytes(message), first));
  add(first);
  for (bool more = assembler.replaying(); more;) {
    model::Batch batch;
    more = TRY(assembler.replay(batch, byte_limit));
    add(batch);
  }
  return {};
}

}  // namespace

std::vector<std::string> told(const model::Batch& batch) {
  std::vector<std::string> all;
  for (const Event& event : batch.events()) all.push_back(told_of(event));
  return all;
}

std::vector<std::string> assembled(Assembler& assembler, const std::vector<std::string>& messages,
                                   std::size_t byte_limit) {
  std::vector<std::string> all;
  for (const std::string& message : messages) {
    const Result<void> given = give(assembler, message, byte_limit, all);
    if (given.ok()) continue;
    all.push_back(given.error().what);
    break;
  }
  return all;
}

}  // namespace tributary::postgres::pgoutput::wire
