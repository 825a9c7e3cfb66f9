#include "engine/pipeline/estimate.h"

namespace tributary::pipeline {
namespace {

// docs/benchmarks.md: 1 GB in few tables takes about 13 seconds, 1,000 small tables with foreign keys less than 10.
constexpr std::uint64_t bytes_per_second = 75'000'000;
constexpr std::uint64_t tables_per_second = 100;
constexpr std::uint64_t fixed_seconds = 2;

}  // namespace

Seconds estimated_time(std::uint64_t tables, std::uint64_t bytes) {
  return Seconds(fixed_seconds + bytes / bytes_per_second + tables / tables_per_second);
}

}  // namespace tributary::pipeline
