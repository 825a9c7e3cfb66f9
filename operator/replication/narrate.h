#pragma once

#include <string>

#include "engine/base/clock.h"
#include "operator/replication/decide.h"
#include "operator/replication/observed.h"

// What a pass does, for the log at level debug: a line for each beat, with how long it took.
namespace tributary::replication {

// Measures one beat after the other.
class Lap {
 public:
  // Milliseconds since it was made or asked last.
  double next();

 private:
  SteadyTime last_ = SteadyClock::now();
};

// `source`: where it was looked, "caches" or "server".
void narrate_look(const char* source, const Observed& seen, Lap& lap);
void narrate_decision(const Decision& next, Lap& lap);
void narrate_beat(const char* what, Lap& lap);

// "phase=Syncing generation=2 pods=1 deployment=1 secrets=2 engine=Following", without what is not there. Pure.
std::string summary_of(const Observed& seen);
// "add finalizer, apply config map, create job", or "none". Pure.
std::string summary_of(const std::vector<Action>& actions);

}  // namespace tributary::replication
