#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/torture/disturbance.h"
#include "operator/torture/fault.h"
#include "operator/torture/plan.h"

namespace tributary::torture {

// What stands in every Secret of a trial and may stand nowhere else.
inline constexpr const char* planted = "hunter2-is-planted";

struct Script {
  const Plan* plan = nullptr;
  FaultKind fault = FaultKind::none;
  Moment moment = Moment::create;
  std::uint64_t seed = 0;
  int kill_after = -1;  // writes of the whole life; -1: only as the fault says
};
// What is lived where the fault did not come: another plan, with another seed.
Script next_try(const Script& script, int tries);

// What a run came to at the end of a moment, in both ways of state_of().
struct Mark {
  std::string whole, without_jobs;
};

struct Outcome {
  const Plan* plan = nullptr;
  std::vector<std::string> complaints;  // none: the fault was survived
  std::map<Moment, Mark> marks;
  int writes = 0;  // but Events
  bool was_killed = false;
  bool came = false;                 // the fault, in its moment
  std::vector<std::string> reasons;  // of Ready, in order
};

// One life of a Replication, from its creation to its end, with one fault in one moment of it. The end of each moment
// is held against `expected`, that of a run without faults; without it, it is found out.
Outcome live(const Script& script, const Outcome* expected);

}  // namespace tributary::torture
