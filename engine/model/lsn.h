#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary::model {

// A position in a PostgreSQL write-ahead log ("16/B374D848"). Zero is no position.
struct Lsn {
  std::uint64_t value = 0;
  auto operator<=>(const Lsn&) const = default;
};

// Two hexadecimal halves with a slash, as pg_lsn prints it.
std::string to_string(Lsn lsn);
std::optional<Lsn> parse_lsn(std::string_view text);

}  // namespace tributary::model
