#pragma once

#include "engine/base/result.h"

namespace tributary::pipeline {

// The stable word of a condition for a run that ended with this fault; `failed` is that of Fault::failed.
const char* reason_of(Fault fault, const char* failed);

}  // namespace tributary::pipeline
