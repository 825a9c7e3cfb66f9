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

// How many differences there are to be mended: rows, sequences that are behind, and tables of which more differs than
// rows.
std::uint64_t differences_in(const api::Verification& verification);
// What is to be done with a script at `place` that has so many statements and leaves so many differences; "" where
// there is nothing to be done.
std::string repair_hint(const std::string& place, std::uint64_t statements, std::uint64_t unmended);

}  // namespace tributary::cli
