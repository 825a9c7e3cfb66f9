#include "engine/model/change.h"

#include <cstring>
#include <memory>

namespace tributary::model {
namespace {

std::size_t size_of(const LogTable& table) {
  std::size_t size = sizeof(LogTable) + table.columns.size() * sizeof(LogTable::Column);
  for (const LogTable::Column& column : table.columns) size += column.name.size();
  return size;
}

}  // namespace

std::string_view Batch::keep(std::string_view text) {
  if (text.empty()) return {};
  char* const copy = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  bytes_ += text.size();
  return {copy, text.size()};
}

std::span<Value> Batch::row(std::size_t columns) {
  if (columns == 0) return {};
  Value* const values = static_cast<Value*>(memory_.allocate(columns * sizeof(Value), alignof(Value)));
  std::uninitialized_default_construct_n(values, columns);
  bytes_ += columns * sizeof(Value);
  return {values, columns};
}

const LogTable* Batch::keep(const std::shared_ptr<const LogTable>& table) {
  if (table.get() == last_table_) return last_table_;
  last_table_ = table.get();
  if (tables_.insert(table).second) bytes_ += size_of(*table);
  return last_table_;
}

std::span<const LogTable* const> Batch::keep(std::span<const LogTable* const> tables) {
  if (tables.empty()) return {};
  const std::size_t size = tables.size_bytes();
  void* const copy = memory_.allocate(size, alignof(const LogTable*));
  std::memcpy(copy, tables.data(), size);
  bytes_ += size;
  return {static_cast<const LogTable* const*>(copy), tables.size()};
}

void Batch::add(const Event& event) {
  events_.push_back(event);
  bytes_ += sizeof(Event);
}

}  // namespace tributary::model
