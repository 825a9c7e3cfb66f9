#pragma once

#include <cstdint>
#include <string>

#include "engine/api/report.h"

// What a comparison amounts to.
namespace tributary::cli {

// "3 rows differ, 1 is missing, 0 too many".
std::string differences_text(std::uint64_t differing, std::uint64_t missing, std::uint64_t extra);

// Pure: exit code, reason, message, hint and findings. Done only where everything was compared and is equal; a
// comparison of nothing is none.
api::Report judged(api::Verification verification);

}  // namespace tributary::cli
