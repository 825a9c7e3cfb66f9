#include "engine/testing/seeds.h"

#include <cstdlib>
#include <random>
#include <string>

namespace tributary::testbed {

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("TRIBUTARY_SEED")) return {std::stoull(one)};
  const char* count = std::getenv("TRIBUTARY_SEEDS");
  std::vector<std::uint64_t> drawn(count == nullptr ? 20 : std::stoul(count));
  std::uint64_t next = std::random_device{}();
  for (std::uint64_t& seed : drawn) seed = next++;
  return drawn;
}

}  // namespace tributary::testbed
