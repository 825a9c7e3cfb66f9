#pragma once

#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace tributary::cli {

// Reads "90s", "15m", "2h", "1d", any of them one after another ("1h30m"), or "0". The longest is 365 days.
Result<Seconds> parse_duration(std::string_view text);

// "45s", "12m05s", "3h07m", "4d02h": two units, for people.
std::string duration_text(Seconds span);

// "about 12m05s".
std::string about(Seconds span);

}  // namespace tributary::cli
