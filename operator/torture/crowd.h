#pragma once

#include <map>
#include <vector>

#include "operator/torture/trial.h"

// Many lives at a time. What is wrong with one fails the test that runs.
namespace tributary::torture {

std::map<const Plan*, Outcome> lives_without_faults();

// In the order of the scripts. TRIBUTARY_CROWD says how many at a time. No log line may hold what is planted in
// Secrets; of a single life the log goes to standard error.
std::vector<Outcome> live_all(const std::vector<Script>& scripts, const std::map<const Plan*, Outcome>& calm);

}  // namespace tributary::torture
