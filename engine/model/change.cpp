#include "engine/model/change.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace tributary::model {

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

// The last ones first: changes come in runs of few tables.
const LogTable* Batch::keep(const std::shared_ptr<const LogTable>& table) {
  if (std::find(tables_.rbegin(), tables_.rend(), table) == tables_.rend()) tables_.push_back(table);
  return table.get();
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
