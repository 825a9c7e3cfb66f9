#pragma once

#include <stop_token>

#include "engine/base/clock.h"

namespace tributary {

// Sleeps for `span`, but wakes at once for a stop. False when a stop is requested. Any thread.
bool pause_for(Milliseconds span, const std::stop_token& stop);

}  // namespace tributary
