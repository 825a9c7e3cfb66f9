#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tributary::postgres::pgoutput {

// Takes the fields of one message off its bytes, big-endian, in order. The first thing that is wrong is kept as the
// complaint; from then on every field is zero or empty and nothing is read any more. Borrows the bytes.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  // `what` names the field in the complaint that the bytes end within it.
  std::uint8_t int8(const char* what) { return static_cast<std::uint8_t>(number(1, what)); }
  std::uint16_t int16(const char* what) { return static_cast<std::uint16_t>(number(2, what)); }
  std::uint32_t int32(const char* what) { return static_cast<std::uint32_t>(number(4, what)); }
  std::uint64_t int64(const char* what) { return number(8, what); }
  // Up to the NUL that ends it, which is taken too.
  std::string_view string(const char* what);
  // A 32-bit length and so many bytes.
  std::string_view counted(const char* what);

  void complain(const std::string& complaint);
  // Puts the place, such as a column, in front of the complaint that there is.
  void complain_within(const std::string& place);

  bool good() const { return complaint_.empty(); }
  const std::string& complaint() const { return complaint_; }
  std::string_view rest() const { return rest_; }

 private:
  std::uint64_t number(std::size_t size, const char* what) {
    if (rest_.size() < size) return ends_within(what);
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < size; ++at) value = value << 8 | static_cast<unsigned char>(rest_[at]);
    rest_.remove_prefix(size);
    return value;
  }
  std::uint64_t ends_within(const char* what);

  std::string_view rest_;
  std::string complaint_;
};

}  // namespace tributary::postgres::pgoutput
