#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// Whose setting makes transactions read-only there, but for the word of the session itself: "role x"; "" where they are
// not.
Result<std::string> read_only_by(Connection& connection, const Until& until);

}  // namespace tributary::postgres
