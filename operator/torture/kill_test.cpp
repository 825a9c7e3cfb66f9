#include <gtest/gtest.h>

#include "operator/torture/crowd.h"

namespace tributary::torture {
namespace {

// Whether each was killed by its number of writes.
TEST(Kill, an_operator_that_dies_after_any_of_its_writes_comes_to_the_same) {
  const std::map<const Plan*, Outcome> calm = lives_without_faults();
  ASSERT_FALSE(::testing::Test::HasFailure());
  std::vector<Script> scripts;
  for (const Plan& plan : plans()) {
    for (int write = 1; write <= calm.at(&plan).writes; ++write) {
      scripts.push_back({.plan = &plan, .seed = static_cast<std::uint64_t>(write), .kill_after = write});
    }
  }
  std::size_t killed = 0;
  for (const Outcome& outcome : live_all(scripts, calm)) killed += outcome.was_killed ? 1 : 0;
  EXPECT_GT(killed, scripts.size() * 9 / 10) << "of lives that were to meet a kill";
  RecordProperty("lives", static_cast<int>(scripts.size()));
}

}  // namespace
}  // namespace tributary::torture
