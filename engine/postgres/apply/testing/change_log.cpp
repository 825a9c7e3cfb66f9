#include "engine/postgres/apply/testing/change_log.h"

#include <chrono>

namespace tributary::testbed {

using model::Event;
using model::LogTable;

LogTablePtr described(const Database& database, const std::string& table) {
  const Rows rows = database.query(
      "SELECT c.oid, c.relreplident, a.attname, a.atttypid, a.atttypmod,"
      " c.relreplident = 'f' OR COALESCE(a.attnum = ANY (i.indkey), false), i.indexrelid"
      " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
      "   AND a.attgenerated = ''"
      " LEFT JOIN pg_index i ON i.indrelid = c.oid"
      "   AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END"
      " WHERE c.oid = 'public." +
      table + "'::regclass ORDER BY a.attnum");
  auto log = std::make_shared<LogTable>();
  log->name = {"public", table};
  for (const Row& row : rows) {
    log->id = static_cast<std::uint32_t>(std::stoul(*row[0]));
    log->identity = *row[1] == "f"   ? LogTable::Identity::whole_row
                    : !row[6]        ? LogTable::Identity::none
                    : *row[1] == "i" ? LogTable::Identity::index
                                     : LogTable::Identity::primary_key;
    log->columns.push_back(
        {*row[2], static_cast<std::uint32_t>(std::stoul(*row[3])), std::stoi(*row[4]), *row[5] == "t"});
  }
  return log;
}

LogTablePtr with_identity(const LogTablePtr& table, LogTable::Identity identity) {
  auto other = std::make_shared<LogTable>(*table);
  other->identity = identity;
  for (LogTable::Column& column : other->columns) column.identifies = identity == LogTable::Identity::whole_row;
  return other;
}

ChangeLog& ChangeLog::begin() {
  Event event;
  event.kind = Event::Kind::begin;
  event.lsn = next_;
  event.transaction = static_cast<std::uint32_t>(next_.value);
  batch_->add(event);
  return *this;
}

ChangeLog& ChangeLog::commit() {
  Event event;
  event.kind = Event::Kind::commit;
  event.lsn = next_;
  event.end = {next_.value + 8};
  event.time = WallTime{std::chrono::seconds{1'700'000'000} + std::chrono::microseconds{next_.value}};
  batch_->add(event);
  next_ = {next_.value + 16};
  return *this;
}

ChangeLog& ChangeLog::idle(model::Lsn end) {
  Event event;
  event.kind = Event::Kind::idle;
  event.end = end;
  batch_->add(event);
  return *this;
}

ChangeLog& ChangeLog::insert(const LogTablePtr& table, const Cells& cells) {
  Event insert = event(Event::Kind::insert, table);
  insert.new_row = row(cells);
  batch_->add(insert);
  return *this;
}

ChangeLog& ChangeLog::update(const LogTablePtr& table, const Cells& cells, const Cells& old) {
  Event update = event(Event::Kind::update, table);
  update.new_row = row(cells);
  update.old_row = row(old);
  update.old_is_whole = !old.empty() && table->identity == LogTable::Identity::whole_row;
  batch_->add(update);
  return *this;
}

ChangeLog& ChangeLog::remove(const LogTablePtr& table, const Cells& old) {
  Event remove = event(Event::Kind::remove, table);
  remove.old_row = row(old);
  remove.old_is_whole = table->identity == LogTable::Identity::whole_row;
  batch_->add(remove);
  return *this;
}

ChangeLog& ChangeLog::truncate(const std::vector<LogTablePtr>& tables, bool restart_identity) {
  Event truncate;
  truncate.kind = Event::Kind::truncate;
  truncate.restart_identity = restart_identity;
  std::vector<const LogTable*> kept;
  for (const LogTablePtr& table : tables) kept.push_back(batch_->keep(table));
  truncate.truncated = batch_->keep(kept);
  batch_->add(truncate);
  return *this;
}

std::shared_ptr<const model::Batch> ChangeLog::cut() {
  return std::exchange(batch_, std::make_shared<model::Batch>());
}

model::Row ChangeLog::row(const Cells& cells) {
  const std::span<model::Value> values = batch_->row(cells.size());
  for (std::size_t at = 0; at < cells.size(); ++at) values[at] = {cells[at].kind, batch_->keep(cells[at].text)};
  return values;
}

Event ChangeLog::event(Event::Kind kind, const LogTablePtr& table) {
  Event event;
  event.kind = kind;
  event.table = batch_->keep(table);
  return event;
}

}  // namespace tributary::testbed
