#pragma once

#include <string>

#include "engine/api/verification.h"
#include "engine/cli/terminal.h"

namespace tributary::cli {

// Pure: a comparison for a person: a line for each table, where few are equal, else for all that are not; their rows;
// sequences; what differs in the schema; what was read. Values only where the comparison has them. The verdict is the
// report's message.
std::string verification_text(const api::Verification& verification, const Style& style);

}  // namespace tributary::cli
