#include "engine/postgres/verify/copy_fields.h"

#include <cstring>

namespace tributary::postgres::verify {

Result<std::vector<std::string>> copy_fields(std::string_view row) {
  const Error malformed{Fault::failed, "the server sent a row of COPY that is none"};
  if (row.empty() || row.back() != '\n') return malformed;
  row.remove_suffix(1);
  std::vector<std::string> fields(1);
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (row[at] == '\t') {
      fields.emplace_back();
    } else if (row[at] != '\\') {
      fields.back() += row[at];
    } else {
      constexpr const char* letters = "bfnrtv\\";
      constexpr const char* meanings = "\b\f\n\r\t\v\\";
      const char* const letter = ++at < row.size() ? std::strchr(letters, row[at]) : nullptr;
      if (letter == nullptr || *letter == '\0') return malformed;
      fields.back() += meanings[letter - letters];
    }
  }
  return fields;
}

}  // namespace tributary::postgres::verify
