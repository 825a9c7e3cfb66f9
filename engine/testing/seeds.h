#pragma once

#include <cstdint>
#include <vector>

namespace tributary::testbed {

// What a random test draws from: TRIBUTARY_SEED alone where it is set, else as many as TRIBUTARY_SEEDS says, or 20, in
// a row from one that nobody knows before.
std::vector<std::uint64_t> seeds();

}  // namespace tributary::testbed
