#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace tributary::v1alpha1 {

// "90s", "15m", "1h30m" or "0": hours, minutes and seconds in this order, each a whole number of at most five
// digits. Nothing for any other text. The CRD's pattern says the same.
std::optional<Seconds> parse_duration(std::string_view text);

// The same text for a duration: "0s", "1m30s", "1h".
std::string duration_text(Seconds duration);

}  // namespace tributary::v1alpha1
