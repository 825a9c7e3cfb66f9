#include "operator/replication/verify.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/api/schedule.h"
#include "operator/api/validate.h"
#include "operator/replication/credentials.h"
#include "operator/replication/dependents.h"
#include "operator/replication/outcome.h"
#include "operator/replication/resources.h"
#include "operator/replication/verify_status.h"
#include "operator/replication/waiting.h"

namespace tributary::replication {
namespace {

using v1alpha1::RunResult;
using v1alpha1::State;
using v1alpha1::Status;
using v1alpha1::VerifyState;
using v1alpha1::VerifyStatus;
using v1alpha1::VerifyTrigger;

void look_again(Decision& next, Milliseconds when) {
  next.recheck = std::min(next.recheck.value_or(when), std::max(when, Milliseconds(0)));
}

void look_again_at(const Observed& seen, Decision& next, WallTime when) {
  look_again(next, std::chrono::ceil<Milliseconds>(when - seen.now));
}

std::string copy_of(const Status& status) {
  return status.snapshot ? status.snapshot->job_name : "";
}

// One of an earlier snapshot says nothing about this one.
const Job* present_job(const Observed& seen, const Status& status, const VerifyStatus& verify) {
  const Job* job = newest_of(seen.verifications);
  return job != nullptr && job->copy == copy_of(status) && job->attempt >= verify.attempt ? job : nullptr;
}

// Everything that has asked is answered.
void take_up(VerifyStatus& verify, const std::string& request_id, WallTime now) {
  if (!request_id.empty()) verify.request_id = request_id;
  verify.snapshot.clear();
  if (!verify.schedule.empty()) verify.scheduled_since = rfc3339(now);
}

void open(VerifyStatus& verify, const std::string& job_name, int attempt, VerifyTrigger trigger, const Before& before) {
  verify.job_name = job_name;
  verify.attempt = attempt;
  verify.trigger = trigger;
  verify.outages = before.outages;
  verify.crashes = before.crashes;
  verify.completion_time.clear();
}

void adopt(const Observed& seen, const Job& job, VerifyStatus& verify) {
  if (verify.attempt != job.attempt) {
    open(verify, job.name, job.attempt, job.trigger, {job.outages, job.crashes});
    take_up(verify, job.request_id, job.created.value_or(seen.now));
  }
  if (job.created) verify.start_time = rfc3339(*job.created);
}

// --- what asks for a comparison

void count_schedule(const Observed& seen, VerifyStatus& verify) {
  const std::string& schedule = seen.object.spec.verify.schedule;
  if (verify.schedule == schedule) return;
  verify.schedule = schedule;
  verify.scheduled_since = schedule.empty() ? "" : rfc3339(seen.now);
}

std::optional<WallTime> scheduled_at(const VerifyStatus& verify) {
  const std::optional<v1alpha1::Schedule> schedule = v1alpha1::parse_schedule(verify.schedule);
  const std::optional<WallTime> since = parse_rfc3339(verify.scheduled_since);
  return schedule && since ? std::optional(schedule->next(*since)) : std::nullopt;
}

struct Due {
  VerifyTrigger trigger;
  Before before = {};
};

std::optional<Due> due(const Observed& seen, const VerifyStatus& verify) {
  const v1alpha1::VerifySpec& spec = seen.object.spec.verify;
  const Before before{verify.outages, verify.crashes};
  const auto is_due = [&](const std::optional<WallTime>& time) { return time && *time <= seen.now; };
  if (is_open(verify)) return Due{verify.trigger, before};  // its Job is gone
  if (!spec.request_id.empty() && spec.request_id != verify.request_id) return Due{VerifyTrigger::request};
  if (spec.after_snapshot && !verify.snapshot.empty()) return Due{VerifyTrigger::after_snapshot};
  if (is_due(scheduled_at(verify))) return Due{VerifyTrigger::schedule};
  if (is_due(retry_time(verify))) return Due{verify.trigger, before};
  return std::nullopt;
}

std::string asked_by(VerifyTrigger trigger) {
  switch (trigger) {
    case VerifyTrigger::request:
      return "as spec.verify.requestID asks";
    case VerifyTrigger::schedule:
      return "as spec.verify.schedule asks";
    case VerifyTrigger::after_snapshot:
    case VerifyTrigger::none:
      return "after the snapshot";
  }
  std::abort();
}

// --- whether it may begin

// And recorded so, whatever becomes of the comparison's Job.
bool is_complete(const Observed& seen) {
  const Status& status = seen.object.status;
  return status.snapshot && status.snapshot->result == RunResult::succeeded &&
         status.snapshot->request_id == seen.object.spec.snapshot.request_id;
}

// Empty where nothing is in its way. A stream is connected while its lag is known.
std::string waits_for(const Observed& seen, const Status& status) {
  const v1alpha1::Spec& spec = seen.object.spec;
  if (v1alpha1::flaw_of(seen.object)) return "a spec without a flaw";
  if (spec.state != State::running) return "spec.state to say Running";
  if (v1alpha1::streams(spec.mode) && (!status.sync || status.sync->lag.empty())) return "the stream to be connected";
  if (!v1alpha1::streams(spec.mode) && !is_complete(seen)) return "the copy to be complete";
  if (const auto missing = missing_secrets(seen); !missing.empty()) return "secret " + missing.front();
  for (const Pod& pod : seen.pods) {
    if (pod.verifies && !pod.finished) return "pod " + pod.name + " to end";
  }
  return "";
}

// --- the Job

std::string begin(const Observed& seen, const Due& asked, VerifyStatus& verify, Decision& next) {
  const int number = verify.attempt + 1;
  Attempt attempt = verification_for(seen, number, asked.before, asked.trigger, stream_attempt(next.status));
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  end_verifications(seen, next);
  next.actions.push_back(ApplyConfigMap{std::move(attempt.config_map)});
  next.actions.push_back(CreateJob{std::move(attempt.job)});
  open(verify, attempt.name, number, asked.trigger, asked.before);
  take_up(verify, seen.object.spec.verify.request_id, seen.now);
  verify.start_time = rfc3339(seen.now);
  verify.state = VerifyState::running;
  look_again(next, brisk_poll);
  return "job " + attempt.name + " is being created, which compares both ends " + asked_by(asked.trigger);
}

// What goes on nowhere: the next comparison, or nothing.
std::string rest(const Observed& seen, VerifyStatus& verify, Decision& next) {
  const std::optional<Due> asked = due(seen, verify);
  if (!asked) {
    const bool was_due = verify.state == VerifyState::pending || verify.state == VerifyState::running;
    if (was_due) verify.state = verify.result;
    for (const auto& time : {scheduled_at(verify), retry_time(verify)}) {
      if (time) look_again_at(seen, next, *time);
    }
    return "";
  }
  const std::string obstacle = waits_for(seen, next.status);
  if (obstacle.empty()) return begin(seen, *asked, verify, next);
  verify.state = VerifyState::pending;
  return "both ends are to be compared " + asked_by(asked->trigger) + ", which waits for " + obstacle;
}

std::string why_end(const Observed& seen, const Job& job, const std::vector<Pod>& pods) {
  if (seen.object.spec.state == State::paused) return "spec.state says Paused";
  if (seen.object.spec.state == State::stopped) return "spec.state says Stopped";
  const bool changed = job.generation != seen.object.generation && job.rendered_hash != verification_hash(seen);
  return changed && never_started(job, pods) ? "its engine never ran and would be started otherwise now" : "";
}

std::string watch(const Observed& seen, const Job& job, const std::vector<Pod>& pods, VerifyStatus& verify,
                  Decision& next) {
  look_again(next, job.created && seen.now - *job.created >= first_time ? poll : brisk_poll);
  if (const std::string why = why_end(seen, job, pods); !why.empty()) {
    end_verifications(seen, next);
    verify.state = VerifyState::pending;
    return "job " + job.name + ", which compares both ends, is ended: " + why;
  }
  verify.state = VerifyState::running;
  look_after_config(seen, pods, verification_config_map(seen, job.name, stream_attempt(next.status)), next);
  const std::string about = "job " + job.name + " compares both ends " + asked_by(job.trigger);
  const std::optional<v1alpha1::Verdict> trouble = trouble_of(job, pods, seen);
  return trouble ? about + ": " + trouble->message : about;
}

// Nothing of what has ended goes on: no container beside the engine, and no attempt that Kubernetes would begin.
void end_remains(const Observed& seen, const Job& job, const std::vector<Pod>& pods, Decision& next) {
  const bool is_retried = job.state == JobState::active && std::any_of(pods.begin(), pods.end(), [](const Pod& pod) {
                            return pod.finished && pod.engine.exit_code == static_cast<int>(api::ExitCode::failed);
                          });
  if (is_retried) return end_verifications(seen, next);
  for (const Pod& pod : pods) {
    if (pod.finished || pod.deleting) continue;
    const WallTime leaves = overstays_from(pod).value_or(seen.now);
    if (leaves <= seen.now) return end_verifications(seen, next);
    look_again_at(seen, next, leaves);
  }
}

// What the comparison that goes on, or is due, does; empty where there is none.
std::string proceed(const Observed& seen, VerifyStatus& verify, Decision& next) {
  const Job* job = present_job(seen, next.status, verify);
  if (job == nullptr) {
    if (any_active(seen.verifications)) end_verifications(seen, next);  // of an earlier snapshot
    return rest(seen, verify, next);
  }
  adopt(seen, *job, verify);
  const std::vector<Pod> pods = pods_of(seen, *job);
  if (!is_open(verify)) {
    end_remains(seen, *job, pods, next);
    return rest(seen, verify, next);
  }
  const Outcome outcome = outcome_of_comparison(*job, pods, seen);
  if (outcome.result == RunResult::none) return watch(seen, *job, pods, verify, next);
  record_comparison(verify, seen, outcome, pods);
  next.doubtful = next.doubtful || !outcome.report;
  look_again(next, brisk_poll);
  return "";  // recorded before anything else happens to the Job
}

}  // namespace

void verify(const Observed& seen, Decision& next) {
  if (seen.object.spec.mode == v1alpha1::Mode::validate) return;
  VerifyStatus verify = next.status.verify.value_or(VerifyStatus{});
  count_schedule(seen, verify);
  const std::string doing = proceed(seen, verify, next);
  next.status.verify = verify == VerifyStatus{} ? std::nullopt : std::optional(verify);
  tell_comparison(next.status, seen.object.spec, doing, seen.now);
  degrade(next.status, seen.object.spec, seen.object.status, seen.now);
}

}  // namespace tributary::replication
