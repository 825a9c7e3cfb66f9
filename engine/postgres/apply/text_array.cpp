#include "engine/postgres/apply/text_array.h"

namespace tributary::postgres::apply {
namespace {

constexpr std::uint32_t text_type = 25;
constexpr std::size_t header = 20;
constexpr std::size_t kept_capacity = std::size_t{4} * 1024 * 1024;

void put(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (int byte = 0; byte < 4; ++byte)
    bytes[at + static_cast<std::size_t>(byte)] = static_cast<char>(value >> (24 - 8 * byte) & 0xFF);
}

}  // namespace

// array: i32 dimensions (1), i32 has nulls, u32 element type, i32 size, i32 lower bound (1), element*
// element: i32 length (-1: NULL), byte*
// As array_recv reads it (src/backend/utils/adt/arrayfuncs.c).
void TextArray::add(std::optional<std::string_view> element) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + 4);
  put(bytes_, at, element ? static_cast<std::uint32_t>(element->size()) : UINT32_MAX);
  if (element) bytes_.append(*element);
  has_null_ = has_null_ || !element;
  ++size_;
}

void TextArray::clear() {
  if (bytes_.capacity() > kept_capacity) bytes_ = std::string();
  bytes_.assign(header, '\0');
  size_ = 0;
  has_null_ = false;
}

std::string_view TextArray::bytes() {
  put(bytes_, 0, 1);
  put(bytes_, 4, has_null_ ? 1 : 0);
  put(bytes_, 8, text_type);
  put(bytes_, 12, size_);
  put(bytes_, 16, 1);
  return bytes_;
}

}  // namespace tributary::postgres::apply
