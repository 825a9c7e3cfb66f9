#include "operator/replication/live_release.h"

#include <algorithm>

#include "operator/replication/dependents.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release_status.h"
#include "operator/replication/resources.h"

namespace tributary::replication {
namespace {

using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::RunResult;
using v1alpha1::Standing;

constexpr Milliseconds lively_poll{1'000};
constexpr Seconds longest{60};

// A copy that is ordered to release reports that alone, so it is not asked while its end is to be told.
std::vector<Pod> holders(const Observed& seen) {
  std::vector<Pod> pods = stream_pods(seen);
  if (!seen.object.deleted && !seen.terminating) return pods;
  const std::vector<Pod> copies = copy_pods(seen);
  pods.insert(pods.end(), copies.begin(), copies.end());
  return pods;
}

// Also one that is being ended: where its namespace goes it has a moment left.
const Pod* engine_of(const std::vector<Pod>& pods) {
  const auto found = std::find_if(pods.begin(), pods.end(), [](const Pod& pod) {
    return pod.engine.state == ContainerState::running && !pod.ip.empty();
  });
  return found == pods.end() ? nullptr : &*found;
}

// An engine that was ended before anybody heard it may have said so in its last words.
bool ended_so(const Observed& seen, const std::vector<Pod>& pods) {
  const std::string identity = identity_of(seen.object);
  return std::any_of(pods.begin(), pods.end(), [&](const Pod& pod) {
    return said_released(pod.engine, identity) || (pod.last_end && said_released(*pod.last_end, identity));
  });
}

// A deletion has to leave time for the other way.
Seconds patience(const Observed& seen) {
  return seen.object.deleted ? std::min(longest, seen.object.spec.deletion_timeout / 3) : longest;
}

bool too_late(const Observed& seen, const Run& run) {
  const auto since = parse_rfc3339(run.start_time);
  return !since || *since > seen.now || seen.now - *since >= patience(seen);
}

}  // namespace

bool engine_was_asked(const v1alpha1::Status& status) {
  return status.release && status.release->job_name.empty() && status.release->result == RunResult::none;
}

bool ask_engine(const Observed& seen, Decision& next, Phase phase, bool forget) {
  const std::vector<Pod> pods = holders(seen);
  const bool first = !engine_was_asked(next.status);
  if (!first && (seen.release_answer == ReleaseAnswer::released || ended_so(seen, pods))) {
    next.status.release->result = RunResult::succeeded;
    next.status.release->completion_time = rfc3339(seen.now);
    tell_given_back(next.status, seen.now);
    return false;
  }
  const Pod* pod = engine_of(pods);
  if (seen.release_token_hash.empty() || pod == nullptr) return false;
  if (first && next.status.release) return false;  // another way was begun
  if (!first && (seen.release_answer == ReleaseAnswer::refused || too_late(seen, *next.status.release))) return false;
  if (first) {
    next.status.release = Run{.attempt = last_attempt(seen, next.status),
                              .generation = seen.object.generation,
                              .start_time = rfc3339(seen.now)};
  }
  next.actions.push_back(OrderRelease{pod->ip, forget, first});
  conclude_release(seen, next.status,
                   {Standing::progressing, phase, "Releasing",
                    "the engine in pod " + pod->name + " gives back " + held_by(seen.object.spec.mode)});
  next.recheck = lively_poll;
  return true;
}

}  // namespace tributary::replication
