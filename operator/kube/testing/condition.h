#pragma once

#include <functional>

#include "engine/base/clock.h"

namespace tributary::kube::testing {

// Waits until it is true; whether it was within the limit. Looks once in a while, on the caller's thread.
bool comes_true(const std::function<bool()>& condition, Milliseconds limit, Milliseconds every = Milliseconds(2));

}  // namespace tributary::kube::testing
