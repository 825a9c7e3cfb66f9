#include "engine/postgres/pgoutput/fields.h"

namespace tributary::postgres::pgoutput {

std::string_view Fields::string(const char* what) {
  const std::size_t end = rest_.find('\0');
  if (end == std::string_view::npos) {
    ends_within(what);
    return {};
  }
  const std::string_view text = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return text;
}

// A negative length is a very large one here.
std::string_view Fields::counted(const char* what) {
  const std::uint32_t length = int32(what);
  if (length > rest_.size()) {
    complain(std::string(what) + " has the length " + std::to_string(static_cast<std::int32_t>(length)) + " where " +
             std::to_string(rest_.size()) + " bytes are left");
    return {};
  }
  const std::string_view bytes = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return bytes;
}

void Fields::complain(const std::string& complaint) {
  if (good()) complaint_ = complaint;
  rest_ = {};
}

void Fields::complain_within(const std::string& place) {
  complaint_ = place + ": " + complaint_;
}

std::uint64_t Fields::ends_within(const char* what) {
  complain(std::string("ends within ") + what);
  return 0;
}

}  // namespace tributary::postgres::pgoutput
