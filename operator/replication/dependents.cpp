#include "operator/replication/dependents.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/outcome.h"
#include "operator/replication/traces.h"

namespace tributary::replication {
namespace {

using v1alpha1::Phase;
using v1alpha1::Standing;

constexpr std::chrono::minutes patience{5};  // with a missing Secret

bool of_release(const Observed& seen, const Pod& pod) {
  return std::any_of(seen.releases.begin(), seen.releases.end(),
                     [&](const Job& job) { return job.uid == pod.job_uid; });
}

template <class Is>
std::vector<Pod> pods_that(const Observed& seen, const Is& is) {
  std::vector<Pod> pods;
  std::copy_if(seen.pods.begin(), seen.pods.end(), std::back_inserter(pods), is);
  return pods;
}

bool is_ended(const Job& job, const Decision& next) {
  return job.deleting || std::any_of(next.actions.begin(), next.actions.end(), [&](const Action& action) {
           const auto* deletion = std::get_if<DeleteJob>(&action);
           return deletion != nullptr && deletion->uid == job.uid;
         });
}

void end_all(const std::vector<Job>& jobs, Decision& next) {
  for (const Job& job : jobs) {
    if (!is_ended(job, next)) next.actions.push_back(DeleteJob{job.name, job.uid});
  }
}

const Pod* living_pod(const Observed& seen) {
  const auto found = std::find_if(seen.pods.begin(), seen.pods.end(),
                                  [&](const Pod& pod) { return !pod.finished && !of_release(seen, pod); });
  return found == seen.pods.end() ? nullptr : &*found;
}

}  // namespace

const Job* newest_of(const std::vector<Job>& jobs) {
  const Job* found = nullptr;
  for (const Job& job : jobs) {
    if (!job.deleting && (found == nullptr || job.attempt > found->attempt)) found = &job;
  }
  return found;
}

bool any_active(const std::vector<Job>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.state == JobState::active; });
}

std::vector<Pod> pods_of(const Observed& seen, const Job& job) {
  return pods_that(seen, [&](const Pod& pod) { return pod.job_uid == job.uid; });
}

std::vector<Pod> stream_pods(const Observed& seen) {
  return pods_that(seen, [](const Pod& pod) { return pod.streams; });
}

std::vector<Pod> copy_pods(const Observed& seen) {
  return pods_that(seen, [&](const Pod& pod) { return !pod.streams && !pod.verifies && !of_release(seen, pod); });
}

std::string leftover(const Observed& seen) {
  if (const Pod* pod = living_pod(seen)) return "pod " + pod->name;
  for (const Job& job : seen.jobs) {
    if (job.deleting) return "job " + job.name;
  }
  return seen.deployment ? "deployment " + seen.deployment->name : "";
}

bool engine_may_live(const Observed& seen) {
  return !leftover(seen).empty() || any_active(seen.jobs) || any_active(seen.verifications);
}

void end_jobs(const Observed& seen, Decision& next) {
  account_for_ended(seen, next.status);
  end_all(seen.jobs, next);
}

void end_releases(const Observed& seen, Decision& next) {
  end_all(seen.releases, next);
}

void end_verifications(const Observed& seen, Decision& next) {
  end_all(seen.verifications, next);
}

void end_deployment(const Observed& seen, Decision& next) {
  if (!seen.deployment || seen.deployment->deleting) return;
  next.actions.push_back(DeleteDeployment{seen.deployment->name, seen.deployment->uid});
}

void end_pods(const Observed& seen, Decision& next) {
  for (const Pod& pod : seen.pods) {
    if (pod.finished || pod.deleting || pod.streams || pod.verifies) continue;
    const WallTime due = overstays_from(pod).value_or(seen.now);
    if (due <= seen.now) {
      end_jobs(seen, next);
      return end_releases(seen, next);
    }
    next.recheck = std::chrono::ceil<Milliseconds>(due - seen.now);
  }
}

void look_after_config(const Observed& seen, const std::vector<Pod>& pods, kube::Object config_map, Decision& next) {
  const Pod* pod = newest(pods);
  if (pod == nullptr || pod->finished || pod->engine.state == ContainerState::running) return;
  if (pod->created && seen.now - *pod->created < start_limit) return;
  next.actions.push_back(RestoreConfigMap{std::move(config_map)});
}

bool same_credentials(std::vector<v1alpha1::CredentialVersion> a, std::vector<v1alpha1::CredentialVersion> b) {
  const auto by_name = [](const auto& left, const auto& right) { return left.name < right.name; };
  std::sort(a.begin(), a.end(), by_name);
  std::sort(b.begin(), b.end(), by_name);
  return a == b;
}

WallTime secrets_overdue_at(const Observed& seen, const v1alpha1::Status& status) {
  const v1alpha1::Condition* synced = v1alpha1::find_condition(status, v1alpha1::condition::credentials_synced);
  return parse_rfc3339(synced->last_transition_time).value_or(seen.now) + patience;
}

void await_secrets(const Observed& seen, Decision& next) {
  const v1alpha1::Condition* synced = v1alpha1::find_condition(next.status, v1alpha1::condition::credentials_synced);
  const WallTime overdue = secrets_overdue_at(seen, next.status);
  const bool lasting = overdue <= seen.now;
  if (!lasting) next.recheck = std::chrono::ceil<Milliseconds>(overdue - seen.now);
  v1alpha1::conclude(next.status,
                     {lasting ? Standing::stalled : Standing::progressing, lasting ? Phase::failed : Phase::pending,
                      synced->reason, synced->message},
                     seen.now);
}

int last_attempt(const Observed& seen, const v1alpha1::Status& status) {
  int number = 0;
  if (status.snapshot) number = std::max(number, status.snapshot->attempt);
  if (status.validation) number = std::max(number, status.validation->attempt);
  if (status.release) number = std::max(number, status.release->attempt);
  for (const Job& job : seen.jobs) number = std::max(number, job.attempt);
  for (const Job& job : seen.releases) number = std::max(number, job.attempt);
  return number;
}

int stream_attempt(const v1alpha1::Status& status) {
  return std::max(status.snapshot ? status.snapshot->attempt : 0, status.release ? status.release->attempt : 0);
}

}  // namespace tributary::replication
