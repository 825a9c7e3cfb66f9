#include "operator/replication/release.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/dependents.h"
#include "operator/replication/live_release.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release_status.h"
#include "operator/replication/resources.h"
#include "operator/replication/status.h"
#include "operator/replication/traces.h"
#include "operator/replication/waiting.h"

namespace tributary::replication {
namespace {

using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::RunResult;
using v1alpha1::Standing;
using v1alpha1::Verdict;

// What an earlier stream held is no matter of one that a later copy began.
const Job* newest_release(const Observed& seen, const v1alpha1::Status& status) {
  const Job* release = newest_of(seen.releases);
  const Job* copy = newest_of(seen.jobs);
  const int copied = std::max(copy == nullptr ? 0 : copy->attempt, status.snapshot ? status.snapshot->attempt : 0);
  return release != nullptr && release->attempt > copied ? release : nullptr;
}

void adopt(const Job& job, Decision& next) {
  std::optional<Run>& run = next.status.release;
  if (!run || run->job_name != job.name) run = Run{.job_name = job.name, .outages = job.outages};
  run->attempt = job.attempt;
  run->generation = job.generation;
  run->drops_data = job.drops_data;
  if (job.created) run->start_time = rfc3339(*job.created);
}

void watch_job(const Observed& seen, const Job& job, const std::vector<Pod>& pods, Phase phase, Decision& next) {
  const std::optional<Verdict> trouble = trouble_of(job, pods, seen);
  const bool told = trouble && trouble->reason != "Starting";
  look_after_config(seen, pods, release_for(seen, job.attempt, 0, Remains::data).config_map, next);
  const std::string about = "job " + job.name + " " + errand_of(seen, next.status);
  conclude_release(seen, next.status,
                   {Standing::progressing, phase, told ? trouble->reason : "Releasing",
                    told ? about + ": " + trouble->message : about});
  next.recheck = brisk_poll;
}

void record_end(const Observed& seen, const Outcome& outcome, Phase phase, Decision& next) {
  Run& run = *next.status.release;
  run.result = outcome.result;
  run.completion_time = rfc3339(std::min(outcome.ended.value_or(seen.now), seen.now));
  next.doubtful = !outcome.report;
  if (outcome.result == RunResult::succeeded) return tell_done(seen, next.status);
  ++run.outages;
  const WallTime due = *retry_time(run);
  const Standing standing = phase == Phase::deleting || outcome.may_pass ? Standing::progressing : Standing::stalled;
  conclude_release(
      seen, next.status,
      {standing, phase, outcome.reason,
       undone_of(seen, next.status) + ": " + outcome.message + "; another attempt is due at " + rfc3339(due)});
  next.recheck = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(due - seen.now));
}

bool is_done(const v1alpha1::Status& status, Remains remains) {
  if (remains != Remains::nothing) return released(status);
  return status.release && status.release->result == RunResult::succeeded && status.release->drops_data;
}

bool still_ends(const Observed& seen) {
  return std::any_of(seen.releases.begin(), seen.releases.end(), [&](const Job& job) {
    const std::vector<Pod> pods = pods_of(seen, job);
    return job.deleting && std::any_of(pods.begin(), pods.end(), [](const Pod& pod) { return !pod.finished; });
  });
}

void begin(const Observed& seen, Phase phase, Remains remains, Decision& next) {
  const int failures = next.status.release ? next.status.release->outages : 0;
  Attempt attempt = release_for(seen, last_attempt(seen, next.status) + 1, failures, remains);
  end_releases(seen, next);
  next.actions.push_back(ApplyConfigMap{std::move(attempt.config_map)});
  next.actions.push_back(CreateJob{std::move(attempt.job)});
  next.status.release = Run{.job_name = attempt.name,
                            .attempt = attempt.number,
                            .outages = failures,
                            .generation = seen.object.generation,
                            .drops_data = remains == Remains::nothing};
  conclude_release(seen, next.status,
                   {Standing::progressing, phase, "Releasing",
                    "job " + attempt.name + " is created, which " + errand_of(seen, next.status)});
  next.recheck = brisk_poll;
}

}  // namespace

bool may_hold_source(const Observed& seen, const v1alpha1::Status& status) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  if (!v1alpha1::uses_slots(mode) || released(status)) return false;
  return status.sync || seen.deployment || is_left(status, mode) || copy_is_open(seen);
}

bool released(const v1alpha1::Status& status) {
  return (status.release && status.release->result == RunResult::succeeded) ||
         v1alpha1::is_true(status, v1alpha1::condition::source_released);
}

bool may_hold_target(const Observed& seen, const v1alpha1::Status& status) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  if (!v1alpha1::uses_slots(mode) || is_done(status, Remains::nothing)) return false;
  return status.sync || seen.deployment || is_filled(status, mode) || copy_is_open(seen);
}

bool release_under_way(const Observed& seen, const v1alpha1::Status& status) {
  const Job* job = newest_release(seen, status);
  if (job == nullptr) return engine_was_asked(status);
  return !status.release || status.release->job_name != job->name || status.release->result == RunResult::none;
}

bool release(const Observed& seen, Decision& next, Phase phase, Remains remains) {
  if (const Job* job = newest_release(seen, next.status)) {
    adopt(*job, next);
    if (next.status.release->result == RunResult::none) {
      const std::vector<Pod> pods = pods_of(seen, *job);
      const Outcome outcome = outcome_of(*job, pods, seen);
      if (outcome.result == RunResult::none) {
        watch_job(seen, *job, pods, phase, next);
        return false;
      }
      record_end(seen, outcome, phase, next);
      if (outcome.result == RunResult::failed) return false;
    }
  }
  if (is_done(next.status, remains)) return true;
  if (const std::optional<Run>& run = next.status.release; run && run->generation == seen.object.generation) {
    const std::optional<WallTime> due = retry_time(*run);
    if (due && *due > seen.now) {
      next.recheck = std::chrono::ceil<Milliseconds>(*due - seen.now);
      return false;
    }
  }
  if (still_ends(seen)) {
    conclude_release(seen, next.status,
                     {Standing::progressing, phase, "Releasing", "waiting for the release before to end"});
    next.recheck = brisk_poll;
    return false;
  }
  begin(seen, phase, remains, next);
  return false;
}

std::vector<api::Finding> left_on_target(const Observed& seen) {
  const Job* job = newest_of(seen.releases);
  if (job == nullptr) return {};
  const Outcome outcome = outcome_of(*job, pods_of(seen, *job), seen);
  if (!outcome.report) return {};
  std::vector<api::Finding> left = outcome.report->findings;
  std::erase_if(left, [](const api::Finding& finding) { return finding.code != target_data_left; });
  return left;
}

bool give_back(const Observed& seen, Decision& next) {
  if (ask_engine(seen, next, Phase::stopped, false)) return false;
  if (!engine_may_live(seen)) return release(seen, next, Phase::stopped, Remains::everything);
  end_jobs(seen, next);
  end_verifications(seen, next);
  end_deployment(seen, next);
  const std::string last = leftover(seen);
  conclude_release(seen, next.status,
                   {Standing::progressing, next.status.phase, "Ending",
                    "waiting for " + (last.empty() ? "its job" : last) + " to end"});
  next.recheck = brisk_poll;
  return false;
}

}  // namespace tributary::replication
