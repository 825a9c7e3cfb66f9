#include "engine/model/lsn.h"

#include <charconv>
#include <cstdio>

namespace tributary::model {
namespace {

bool parse_half(std::string_view text, std::uint64_t& half) {
  if (text.empty() || text.size() > 8) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), half, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string to_string(Lsn lsn) {
  char text[24];
  std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn.value >> 32),
                static_cast<unsigned>(lsn.value & 0xFFFFFFFFu));
  return text;
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  if (!parse_half(text.substr(0, slash), high) || !parse_half(text.substr(slash + 1), low)) return std::nullopt;
  return Lsn{high << 32 | low};
}

}  // namespace tributary::model
