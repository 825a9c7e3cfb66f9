#pragma once

#include <string>

namespace tributary {

// "message (hint: hint)", or the message alone where there is no hint.
inline std::string with_hint(const std::string& message, const std::string& hint) {
  return hint.empty() ? message : message + " (hint: " + hint + ")";
}

}  // namespace tributary
