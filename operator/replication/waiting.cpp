#include "operator/replication/waiting.h"

#include <algorithm>

#include "operator/replication/outcome.h"
#include "operator/replication/resources.h"

namespace tributary::replication {
namespace {

using v1alpha1::Condition;
using v1alpha1::Phase;
using v1alpha1::Standing;
using v1alpha1::Verdict;

constexpr std::chrono::minutes patience{10};

bool one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* candidate) { return word == candidate; });
}

Verdict trouble(std::string reason, std::string message, std::optional<WallTime> since, WallTime now) {
  const bool lasting = since && now - *since >= patience;
  return {lasting ? Standing::stalled : Standing::progressing, lasting ? Phase::failed : Phase::pending,
          std::move(reason), std::move(message)};
}

Verdict starting(std::string message) {
  return {Standing::progressing, Phase::pending, "Starting", std::move(message)};
}

// No pod at all: a Job's Events or a Deployment's condition say why. What they say of the pod's random name is left
// out, or every retry would change the status.
Verdict refused(const std::string& owner, const std::string& refusal, std::optional<WallTime> created, WallTime now) {
  constexpr std::string_view forbidden = " is forbidden: ";
  const std::size_t at = refusal.find(forbidden);
  const std::string why = at == std::string::npos ? refusal : refusal.substr(at + forbidden.size());
  if (why.empty()) return starting(owner + " is creating its pod");
  const char* reason = "PodRefused";
  if (why.find("exceeded quota") != why.npos) reason = "QuotaExceeded";
  if (why.find("violates PodSecurity") != why.npos) reason = "PodSecurityDenied";
  return trouble(reason, owner + " cannot create its pod: " + why, created, now);
}

// The kubelet alternates between ErrImagePull and ImagePullBackOff, with the cause in one of the two texts: the first
// text stays.
Verdict no_image(const Pod& pod, const Observed& seen) {
  const Condition* ready = v1alpha1::find_condition(seen.object.status, v1alpha1::condition::ready);
  const std::string words = "pod " + pod.name + " has no image: ";
  const bool said = ready != nullptr && ready->reason == "ImagePullBackOff" && ready->message.starts_with(words);
  return trouble("ImagePullBackOff", said ? ready->message : words + pod.engine.message, pod.created, seen.now);
}

Verdict not_running(const Pod& pod, const Observed& seen) {
  const std::string& reason = pod.engine.reason;
  if (!pod.unschedulable.empty()) {
    return trouble("Unschedulable", "pod " + pod.name + " finds no node: " + pod.unschedulable, pod.created, seen.now);
  }
  if (one_of(reason, {"ImagePullBackOff", "ErrImagePull"})) return no_image(pod, seen);
  if (reason.empty() || one_of(reason, {"ContainerCreating", "PodInitializing"})) {
    return starting("pod " + pod.name + " is starting");
  }
  return trouble(reason, "pod " + pod.name + " cannot start: " + pod.engine.message, pod.created, seen.now);
}

Verdict being_ended(const Pod& pod, const Observed& seen, const char* owner) {
  return {Standing::progressing, seen.object.status.phase, "PodTerminating",
          "pod " + pod.name + " is being ended, by a drain or because its node is gone; the " + owner +
              " starts another when it has ended"};
}

// Since when Ready has not been true.
WallTime lacking_since(const Observed& seen) {
  const Condition* ready = v1alpha1::find_condition(seen.object.status, v1alpha1::condition::ready);
  if (ready == nullptr || ready->status == v1alpha1::Truth::yes) return seen.now;
  return parse_rfc3339(ready->last_transition_time).value_or(seen.now);
}

// Kubernetes starts an engine again whatever it ended with. Where that is pointless until a person acts, it says the
// same each time, and what the person does is noticed.
Verdict ended(const Pod& pod, const Container& end, const Observed& seen) {
  Pod before = pod;
  before.engine = end;
  Cause cause = cause_of(before, identity_of(seen.object));
  const auto code = static_cast<api::ExitCode>(end.exit_code);
  if (code == api::ExitCode::lost_position || code == api::ExitCode::bad_configuration) {
    if (code == api::ExitCode::lost_position && !cause.told) {
      cause = {"PositionLost",
               "the source no longer has what the target lacks (hint: another spec.snapshot.requestID copies "
               "everything again)"};
    }
    return {Standing::stalled, Phase::failed, cause.reason, cause.message};
  }
  if (code == api::ExitCode::done) return starting("the engine was stopped and is started again");
  const bool lasting = code != api::ExitCode::fenced && seen.now - lacking_since(seen) >= patience;
  return {lasting ? Standing::stalled : Standing::progressing, lasting ? Phase::failed : seen.object.status.phase,
          cause.reason, cause.message + "; it is started again"};
}

}  // namespace

std::optional<Verdict> trouble_of(const Deployment& deployment, const std::vector<Pod>& pods, const Observed& seen) {
  const Pod* pod = newest(pods);
  if (pod == nullptr) return refused("deployment " + deployment.name, deployment.refusal, deployment.created, seen.now);
  if (pod->deleting) return being_ended(*pod, seen, "deployment");
  switch (pod->finished ? ContainerState::terminated : pod->engine.state) {
    case ContainerState::running:
      return std::nullopt;
    case ContainerState::absent:
    case ContainerState::waiting:
      return pod->last_end ? ended(*pod, *pod->last_end, seen) : not_running(*pod, seen);
    case ContainerState::terminated:
      return ended(*pod, pod->engine, seen);
  }
  std::abort();
}

std::optional<Verdict> end_before(const Pod& pod, const Observed& seen) {
  constexpr Seconds survived{30};
  if (!pod.last_end || !pod.engine.since || seen.now - *pod.engine.since >= survived) return std::nullopt;
  return ended(pod, *pod.last_end, seen);
}

std::optional<Verdict> trouble_of(const Job& job, const std::vector<Pod>& pods, const Observed& seen) {
  const Pod* pod = newest(pods);
  if (pod == nullptr) return refused("job " + job.name, seen.refusal, job.created, seen.now);
  switch (pod->finished ? ContainerState::terminated : pod->engine.state) {
    case ContainerState::running:
      if (!pod->deleting) return std::nullopt;
      return being_ended(*pod, seen, "job");
    case ContainerState::absent:
    case ContainerState::waiting:
      return not_running(*pod, seen);
    case ContainerState::terminated: {
      const Cause cause = cause_of(*pod, identity_of(seen.object));
      return Verdict{Standing::progressing, seen.object.status.phase, cause.reason,
                     cause.message + "; another attempt follows while spec.snapshot.backoffLimit allows"};
    }
  }
  std::abort();
}

bool never_started(const Job& job, const std::vector<Pod>& pods) {
  return job.failed_pods == 0 && std::all_of(pods.begin(), pods.end(), [](const Pod& pod) {
           return pod.engine.state == ContainerState::absent || pod.engine.state == ContainerState::waiting;
         });
}

}  // namespace tributary::replication
