#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "operator/api/status.h"
#include "operator/replication/observed.h"

namespace tributary::replication {

// How a Job ended. The engine's report decides where there is one; a container that ended without one speaks by its
// exit code, and the Job's own conditions by theirs.
struct Outcome {
  v1alpha1::RunResult result = v1alpha1::RunResult::none;  // none: it has not ended
  std::string reason = {};
  std::string message = {};
  bool may_pass = false;  // failed of what another Job may not meet any more: an outage, another engine's lock
  int crashes = 0;        // above 0: so many attempts failed, the limit allows another, and the Job starts none
  std::optional<api::Report> report = {};
  std::optional<WallTime> ended = {};
};

// `pods` are those of this Job; a report must name the identity of the Replication seen to be believed.
Outcome outcome_of(const Job& job, const std::vector<Pod>& pods, const Observed& seen);

// The same of a Job that compares both ends: what its engine has found stands, also where Kubernetes would have it
// compared again because not everything could be.
Outcome outcome_of_comparison(const Job& job, const std::vector<Pod>& pods, const Observed& seen);

// From when on a pod whose engine has ended is taken to be kept alive by another container, such as a sidecar that was
// injected into it, so that its Job will never count that end. Nothing for other pods.
std::optional<WallTime> overstays_from(const Pod& pod);

// Why one pod ended, in one line and as one word: out of memory, evicted, the engine's own words, an exit code.
struct Cause {
  std::string reason;
  std::string message;
  bool told = false;  // the engine's own words
};
Cause cause_of(const Pod& pod, const std::string& identity);

// Whether an engine's last words are that it gave back what its stream held on the source.
bool said_released(const Container& end, const std::string& identity);

// Whether an engine's last words are that it did not get past its checks, and so made nothing on the source. Engines
// that do not say so have errors among their findings then, and only then.
bool made_nothing(const Container& end, const std::string& identity);

// The newest pod; nothing when there is none.
const Pod* newest(const std::vector<Pod>& pods);

}  // namespace tributary::replication
