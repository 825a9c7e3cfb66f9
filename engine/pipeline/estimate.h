#pragma once

#include <cstdint>

#include "engine/base/clock.h"

namespace tributary::pipeline {

// A rough guess of how long the copy of one database takes, from its tables and their bytes on the source's disk: as
// fast as docs/benchmarks.md measured it on two cores without a network between the ends, indexes, keys and statistics
// included. Pure.
Seconds estimated_time(std::uint64_t tables, std::uint64_t bytes);

}  // namespace tributary::pipeline
