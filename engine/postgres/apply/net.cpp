#include "engine/postgres/apply/net.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace tributary::postgres::apply {
namespace {

using model::Event;
using model::Row;
using model::Value;

bool is_whole(Row row) {
  return std::none_of(row.begin(), row.end(), [](const Value& value) { return value.kind == Value::Kind::unchanged; });
}

}  // namespace

bool Net::add(const Event& event) {
  if (shape_.key.empty()) {
    if (event.kind != Event::Kind::insert || !is_whole(event.new_row)) return false;
    entries_.push_back({State::inserted, event.new_row, event.new_row});
    return true;
  }
  switch (event.kind) {
    case Event::Kind::insert:
      return is_whole(event.new_row) && insert(event.new_row, event.new_row);
    case Event::Kind::update:
      return is_moved(event) ? move(event) : update(event);
    case Event::Kind::remove: {
      Entry* const entry = entry_of(event.old_row);
      return entry != nullptr && remove(*entry);
    }
    default:
      return false;
  }
}

// A key's columns as one text: itself, or each with its length before it. Null where one of them is not told.
Net::Entry* Net::entry_of(Row key_row) {
  std::size_t size = 0;
  for (const std::size_t column : shape_.key) {
    if (key_row[column].kind != Value::Kind::text) return nullptr;
    size += sizeof(std::size_t) + key_row[column].bytes.size();
  }
  std::string_view key = key_row[shape_.key.front()].bytes;
  if (shape_.key.size() > 1) {
    char* const text = static_cast<char*>(memory_->allocate(size, 1));
    char* end = text;
    for (const std::size_t column : shape_.key) {
      const std::string_view bytes = key_row[column].bytes;
      const std::size_t length = bytes.size();
      std::memcpy(end, &length, sizeof length);
      std::copy(bytes.begin(), bytes.end(), end + sizeof length);
      end += sizeof length + length;
    }
    key = {text, size};
  }
  const auto [place, is_new] = places_.try_emplace(key, static_cast<std::uint32_t>(entries_.size()));
  if (is_new) entries_.push_back({State::untouched, key_row, {}});
  return &entries_[place->second];
}

bool Net::insert(Row key_row, Row row) {
  Entry* const entry = entry_of(key_row);
  if (entry == nullptr) return false;
  if (entry->state != State::untouched && entry->state != State::removed) return false;
  entry->state = entry->state == State::untouched ? State::inserted : State::replaced;
  entry->row = row;
  return true;
}

bool Net::update(const Event& event) {
  Entry* const entry = entry_of(event.old_row.empty() ? event.new_row : event.old_row);
  if (entry == nullptr || entry->state == State::removed) return false;
  const Row known = !entry->row.empty() ? entry->row : event.old_is_whole ? event.old_row : Row{};
  entry->row = known.empty() ? event.new_row : merged(known, event.new_row);
  if (entry->state == State::untouched) entry->state = State::updated;
  return true;
}

bool Net::move(const Event& event) {
  Entry* const old = entry_of(event.old_row);
  if (old == nullptr || !shape_.may_move_rows) return false;
  const Row known = !old->row.empty() ? old->row : event.old_is_whole ? event.old_row : Row{};
  const Row row = known.empty() ? event.new_row : merged(known, event.new_row);
  return remove(*old) && is_whole(row) && insert(row, row);
}

bool Net::remove(Entry& entry) {
  if (entry.state == State::removed) return false;
  entry.state = entry.state == State::inserted ? State::untouched : State::removed;
  entry.row = {};
  return true;
}

// The newer row with what it leaves out taken from the older.
Row Net::merged(Row older, Row newer) {
  if (is_whole(newer)) return newer;
  auto* const values = static_cast<Value*>(memory_->allocate(newer.size() * sizeof(Value), alignof(Value)));
  for (std::size_t column = 0; column < newer.size(); ++column)
    new (values + column) Value(newer[column].kind == Value::Kind::unchanged ? older[column] : newer[column]);
  return {values, newer.size()};
}

bool Net::is_moved(const Event& event) const {
  if (event.old_row.empty()) return false;
  return std::any_of(shape_.key.begin(), shape_.key.end(), [&](std::size_t column) {
    const Value& value = event.new_row[column];
    return value.kind != Value::Kind::unchanged && value.bytes != event.old_row[column].bytes;
  });
}

std::vector<Row> Net::removed() const {
  std::vector<Row> keys;
  for (const Entry& entry : entries_) {
    if (entry.state == State::removed || entry.state == State::replaced) keys.push_back(entry.key);
  }
  return keys;
}

std::vector<Net::Update> Net::updated() const {
  std::vector<Update> updates;
  for (const Entry& entry : entries_) {
    if (entry.state == State::updated) updates.push_back({entry.key, entry.row});
  }
  return updates;
}

std::vector<Row> Net::inserted() const {
  std::vector<Row> rows;
  for (const Entry& entry : entries_) {
    if (entry.state == State::inserted || entry.state == State::replaced) rows.push_back(entry.row);
  }
  return rows;
}

}  // namespace tributary::postgres::apply
