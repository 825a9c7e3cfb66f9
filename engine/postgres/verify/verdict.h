#pragma once

#include "engine/api/verification.h"

namespace tributary::postgres::verify {

// What its counts amount to: equal only where something was compared, all of it, and nothing differs. Pure; whoever
// tells the result of a comparison reads Verification.result.
api::Comparison verdict_of(const api::Verification& found);

}  // namespace tributary::postgres::verify
