#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// One-dimensional arrays of text in PostgreSQL's binary form, for a parameter of type text[]. Pure.
namespace tributary::postgres::apply {

class TextArray {
 public:
  TextArray() { clear(); }

  void add(std::optional<std::string_view> element);  // nothing is NULL
  void clear();
  std::uint32_t size() const { return size_; }
  // Valid until the next change.
  std::string_view bytes();

 private:
  std::string bytes_;
  std::uint32_t size_ = 0;
  bool has_null_ = false;
};

}  // namespace tributary::postgres::apply
