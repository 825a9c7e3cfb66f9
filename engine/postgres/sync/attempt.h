#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// Statements that change tables of the target, which may refuse them.
namespace tributary::postgres::sync {

// Nobody who reads the target waits longer than this behind a change of a table that waits for somebody else.
inline constexpr const char* lock_patience = "SET LOCAL lock_timeout = '3s'";
// A recopy keeps its table for as long as it copies, and nothing that the stream does needs the change before.
inline constexpr const char* short_patience = "SET LOCAL lock_timeout = '500ms'";

// In a transaction: what is refused leaves it as it was before the statement. Fault::conflict where somebody has
// carried it out before, Fault::missing where it needs a type, a function or a schema, Fault::differs where rows that
// are there stand in its way, else Fault::invalid.
Result<void> attempt(Connection& target, const std::string& statement, const Until& until);

// As attempt() tells it.
bool is_refused(const Result<void>& done);

}  // namespace tributary::postgres::sync
