#include "operator/replication/waiting.h"

#include <algorithm>

#include "operator/replication/outcome.h"

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

// No pod at all: the Job's Events say why. What they say of the pod's random name is left out, or every retry would
// change the status.
Verdict refused(const Job& job, const Observed& seen) {
  constexpr std::string_view forbidden = " is forbidden: ";
  const std::size_t at = seen.refusal.find(forbidden);
  const std::string why = at == std::string::npos ? seen.refusal : seen.refusal.substr(at + forbidden.size());
  if (why.empty()) return starting("job " + job.name + " is creating its pod");
  const char* reason = "PodRefused";
  if (why.find("exceeded quota") != why.npos) reason = "QuotaExceeded";
  if (why.find("violates PodSecurity") != why.npos) reason = "PodSecurityDenied";
  return trouble(reason, "job " + job.name + " cannot create its pod: " + why, job.created, seen.now);
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

}  // namespace

std::optional<Verdict> trouble_of(const Job& job, const std::vector<Pod>& pods, const Observed& seen) {
  const Pod* pod = newest(pods);
  if (pod == nullptr) return refused(job, seen);
  switch (pod->finished ? ContainerState::terminated : pod->engine.state) {
    case ContainerState::running:
      if (!pod->deleting) return std::nullopt;
      return Verdict{Standing::progressing, seen.object.status.phase, "PodTerminating",
                     "pod " + pod->name + " is being ended, by a drain or because its node is gone; the job starts " +
                         "another when it has ended"};
    case ContainerState::absent:
    case ContainerState::waiting:
      return not_running(*pod, seen);
    case ContainerState::terminated: {
      const Cause cause = cause_of(*pod, seen.object.uid);
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
