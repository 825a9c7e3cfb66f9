#include "operator/replication/decide.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/api/validate.h"
#include "operator/replication/dependents.h"
#include "operator/replication/follow.h"
#include "operator/replication/idle.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release.h"
#include "operator/replication/resources.h"
#include "operator/replication/slot_hold.h"
#include "operator/replication/status.h"
#include "operator/replication/tear_down.h"
#include "operator/replication/traces.h"
#include "operator/replication/verify.h"
#include "operator/replication/verify_status.h"
#include "operator/replication/waiting.h"
#include "operator/replication/wal_limit.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::RunResult;
using v1alpha1::Standing;
using v1alpha1::State;
using v1alpha1::Truth;
using v1alpha1::Verdict;

constexpr Seconds silence_limit{60};  // of an engine

void conclude(Decision& next, const Observed& seen, const Verdict& verdict) {
  v1alpha1::conclude(next.status, verdict, seen.now);
}

void tell_of_copy(Decision& next, const Observed& seen, const Verdict& verdict) {
  conclude(next, seen, verdict);
  if (!v1alpha1::copies(seen.object.spec.mode)) return;
  v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::no, verdict.reason, verdict.message,
                          seen.now);
}

// --- nothing runs

bool completed(const Observed& seen, const Run* run) {
  if (run == nullptr || run->result != RunResult::succeeded) return false;
  if (run->request_id != seen.object.spec.snapshot.request_id) return false;
  return v1alpha1::copies(seen.object.spec.mode) ||
         !asks_for_something_else(seen.object, run->generation, run->inputs_hash);
}

// A snapshot is of its own time; only another request makes a new one.
void stay_complete(const Observed& seen, Decision& next) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run& run = run_of(next.status, mode);
  const bool outdated = asks_for_something_else(seen.object, run.generation, run.inputs_hash);
  const Verdict verdict = verdict_of_success(next.status, mode, outdated);
  set_credentials(next.status, seen);
  if (v1alpha1::copies(mode)) {
    v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::yes, verdict.reason, verdict.message,
                            seen.now);
  }
  conclude(next, seen, verdict);
}

// In the words that are found for the Job without a pod (waiting.h): what is written once need not be written again.
// And what a person may not expect of a snapshot that is asked for again.
Verdict verdict_of_begin(const Attempt& attempt, bool repeated) {
  const std::string creation = "job " + attempt.name + " is creating its pod";
  if (!repeated) return {Standing::progressing, Phase::pending, "Starting", creation};
  return {Standing::progressing, Phase::pending, "Repeating",
          creation +
              ": spec.snapshot.requestID asks for another snapshot, which replaces what the one before copied, "
              "rows that were added to its tables since included"};
}

void begin(const Observed& seen, Decision& next, const Before& before) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run* last = find_run(next.status, mode);
  const bool repeated = v1alpha1::copies(mode) && last != nullptr && last->result == RunResult::succeeded;
  Attempt attempt = attempt_for(seen, last_attempt(seen, next.status) + 1, before);
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  end_jobs(seen, next);
  end_releases(seen, next);
  end_verifications(seen, next);
  next.actions.push_back(ApplyConfigMap{std::move(attempt.config_map)});
  next.actions.push_back(CreateJob{std::move(attempt.job)});
  begin_run(next.status, mode,
            {.inputs_hash = attempt.inputs_hash,
             .request_id = seen.object.spec.snapshot.request_id,
             .job_name = attempt.name,
             .attempt = attempt.number,
             .outages = before.outages,
             .crashes = before.crashes,
             .generation = seen.object.generation,
             .start_time = rfc3339(seen.now)},
            seen.secrets, seen.now);
  tell_of_copy(next, seen, verdict_of_begin(attempt, repeated));
  next.recheck = brisk_poll;
}

// A stream that is paused or stopped is so also where another snapshot is asked for; one that is stopped gives back
// even what a copy without an end has left on the source.
bool streams_on(const Observed& seen, const v1alpha1::Status& status, const Run* last) {
  if (!v1alpha1::streams(seen.object.spec.mode)) return false;
  const bool copied = last != nullptr && last->result == RunResult::succeeded;
  if (gives_up_for_wal(seen.object, status)) return copied || may_hold_source(seen, status) || released(status);
  switch (seen.object.spec.state) {
    case State::running:
      return completed(seen, last);
    case State::paused:
      return copied;
    case State::stopped:
      return copied || may_hold_source(seen, status);
  }
  std::abort();
}

void rest(const Observed& seen, Decision& next) {
  const Run* last = find_run(next.status, seen.object.spec.mode);
  if (streams_on(seen, next.status, last)) return follow(seen, next);
  if (completed(seen, last)) {
    end_pods(seen, next);
    return stay_complete(seen, next);
  }
  const bool given_up = gives_up_for_wal(seen.object, next.status) || gives_up_slot(seen, next.status);
  Before before;
  if (failed_and_nothing_changed(seen, next.status, last)) {
    const std::optional<WallTime> due = retry_time(*last);
    if (!due) {
      stay_idle(seen, next);
      return;
    }
    if (given_up && stay_idle(seen, next)) return;
    if (*due > seen.now) return await_retry(seen, next, *due);
    before = {last->outages, last->crashes};
  }
  set_credentials(next.status, seen);
  if (given_up && stay_idle(seen, next)) return;
  if (const std::string left = leftover(seen); !left.empty()) {
    end_jobs(seen, next);
    end_verifications(seen, next);
    end_deployment(seen, next);
    conclude(next, seen, {Standing::progressing, Phase::pending, "Ending", "waiting for " + left + " to end"});
    next.recheck = brisk_poll;
  } else if (!stay_idle(seen, next)) {
    begin(seen, next, before);
  }
}

// --- a Job runs

void set_before(Run& run, const Job& job) {
  run.outages = job.outages;
  run.crashes = job.crashes;
}

// The caches may not show the Job of that run yet.
bool precedes(const Job& job, const Run* known) {
  return known != nullptr && known->attempt > job.attempt;
}

void adopt(Decision& next, const Observed& seen, const Job& job) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run* known = find_run(next.status, mode);
  if (known == nullptr || known->job_name != job.name) {
    begin_run(next.status, mode, {.request_id = job.request_id, .job_name = job.name}, job.credentials, seen.now);
  }
  Run& run = run_of(next.status, mode);
  run.inputs_hash = job.inputs_hash;
  run.request_id = job.request_id;
  run.attempt = job.attempt;
  if (run.result == RunResult::none) set_before(run, job);
  run.generation = job.generation;
  if (job.created && run.start_time.empty()) run.start_time = rfc3339(*job.created);
}

std::optional<std::string> why_replace(const Observed& seen, const v1alpha1::Status& status, const Job& job,
                                       const std::vector<Pod>& pods) {
  if (seen.object.spec.state == State::stopped) return "spec.state says Stopped";
  if (gives_up_for_wal(seen.object, status)) return "the source keeps more of its log than it may";
  if (asks_for_something_else(seen.object, job.generation, job.inputs_hash)) {
    return "the spec now asks for something else";
  }
  if (never_started(job, pods) && job.rendered_hash != rendered_hash(seen)) {
    return "its engine never ran and would be started otherwise now";
  }
  return std::nullopt;
}

Verdict verdict_of_engine(const Observed& seen, v1alpha1::Status& status) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  if (seen.voice && seen.voice->progress) {
    set_progress(status, mode, *seen.voice->progress, seen.now);
    return verdict_of(*seen.voice->progress, status, mode);
  }
  if (seen.voice && seen.voice->silent_since && seen.now - *seen.voice->silent_since >= silence_limit) {
    return {
        Standing::unknown, status.phase, "EngineUnreachable",
        "the engine runs and does not answer on port 8080 (hint: a NetworkPolicy or a service mesh between operator "
        "and engine is the usual cause; the copy itself goes on)"};
  }
  // Between two answers what the last one said stands.
  const v1alpha1::Condition* ready = v1alpha1::find_condition(status, condition::ready);
  const bool heard = status.phase == Phase::validating || status.phase == Phase::snapshotting;
  if (heard || ready->reason == "EngineUnreachable") {
    const Standing standing = ready->status == Truth::unknown ? Standing::unknown : Standing::progressing;
    return {standing, status.phase, ready->reason, ready->message};
  }
  return {Standing::progressing, Phase::pending, "Starting", "the engine is starting"};
}

// A failure that was recorded while a sidecar kept the pod: that has ended after all, and the Job goes on.
void revive(Decision& next, const Observed& seen, const Job& job) {
  Run& run = run_of(next.status, seen.object.spec.mode);
  if (run.result == RunResult::none) return;
  next.doubtful = true;
  run.result = RunResult::none;
  run.completion_time.clear();
  set_before(run, job);
}

void carry_on(const Observed& seen, const Job& job, const std::vector<Pod>& pods, Decision& next) {
  revive(next, seen, job);
  set_credentials(next.status, seen);
  next.recheck = job.created && seen.now - *job.created >= first_time ? poll : brisk_poll;
  if (const auto why = why_replace(seen, next.status, job, pods)) {
    end_jobs(seen, next);
    conclude(next, seen,
             {Standing::progressing, next.status.phase, "Ending", "job " + job.name + " is ended: " + *why});
    return;
  }
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  end_deployment(seen, next);
  look_after_config(seen, pods, config_map_of(seen, job.name, job.attempt), next);
  const std::optional<Verdict> trouble = trouble_of(job, pods, seen);
  Verdict verdict = trouble ? *trouble : verdict_of_engine(seen, next.status);
  add_wal_warning(next.status, verdict.message);
  tell_of_copy(next, seen, verdict);
}

// What the command line has begun.
void follow_only(const Observed& seen, Decision& next) {
  const bool begun = next.status.sync || seen.deployment;
  if (begun) return follow(seen, next);
  set_credentials(next.status, seen);
  if (seen.object.spec.state != State::running) return suspend(seen, next);
  if (!seen.rival.empty()) return yield_to_rival(seen, next);
  follow(seen, next);
}

// What becomes of copy and stream.
Decision replicate(const Observed& seen) {
  Decision next{.status = opened(seen)};
  const Job* job = newest_of(seen.jobs);
  if (v1alpha1::flaw_of(seen.object)) {
    if (job != nullptr && v1alpha1::copies(seen.object.spec.mode)) adopt(next, seen, *job);
    remember_traces(seen, next);
    stay_flawed(seen, next);
    return next;
  }
  if (v1alpha1::uses_slots(seen.object.spec.mode)) judge_retained_wal(seen, next.status);
  if (v1alpha1::uses_slots(seen.object.spec.mode) && release_under_way(seen, next.status)) {
    if (!go_on_releasing(seen, next)) return next;
  }
  if (seen.object.spec.mode == v1alpha1::Mode::sync) {
    follow_only(seen, next);
    return next;
  }
  const bool is_old = job != nullptr && precedes(*job, find_run(next.status, seen.object.spec.mode));
  next.doubtful = is_old;
  if (job != nullptr) adopt(next, seen, *job);
  remember_traces(seen, next);
  remember_hold(seen, next.status);
  if (job != nullptr) {
    const std::vector<Pod> pods = pods_of(seen, *job);
    const Outcome outcome = outcome_of(*job, pods, seen);
    const RunResult recorded = run_of(next.status, seen.object.spec.mode).result;
    const bool runs = outcome.result == RunResult::none && recorded != RunResult::succeeded;
    if (runs && !gives_up_slot(seen, next.status)) {
      carry_on(seen, *job, pods, next);
      return next;
    }
    if (!runs && recorded == RunResult::none) {
      record(next.status, seen, outcome);
      next.doubtful = is_old || !outcome.report;
      if (v1alpha1::streams(seen.object.spec.mode)) next.recheck = brisk_poll;
      return next;  // recorded before anything else happens to the Job
    }
  }
  rest(seen, next);
  return next;
}

}  // namespace

Decision decide(const Observed& seen) {
  if (seen.object.deleted) return tear_down(seen);
  if (seen.terminating) return leave(seen);
  Observed plain = seen;
  if (is_degraded(seen.object.status)) lift_mismatch(plain.object.status, seen.object.spec.mode);
  Decision next = replicate(plain);
  verify(seen, next);
  return next;
}

bool wants_a_live_look(const Decision& decision) {
  return decision.doubtful || std::any_of(decision.actions.begin(), decision.actions.end(), [](const Action& action) {
           return std::holds_alternative<CreateJob>(action) || std::holds_alternative<DeleteJob>(action) ||
                  std::holds_alternative<ApplyDeployment>(action) || std::holds_alternative<DeleteDeployment>(action) ||
                  std::holds_alternative<RemoveFinalizer>(action) || std::holds_alternative<OrderRelease>(action);
         });
}

bool begins_untouched(const Observed& seen, const Decision& decision) {
  const bool alone =
      seen.jobs.empty() && seen.releases.empty() && seen.verifications.empty() && !seen.deployment && seen.pods.empty();
  return alone && !seen.contested && !seen.object.finalized && seen.object.status == v1alpha1::Status{} &&
         !decision.actions.empty() && std::holds_alternative<AddFinalizer>(decision.actions.front());
}

std::optional<v1alpha1::Status> with_fault(v1alpha1::Status status, const Error& error, WallTime now) {
  if (error.fault != Fault::denied && error.fault != Fault::invalid) {
    const v1alpha1::Condition* ready = v1alpha1::find_condition(status, condition::ready);
    if (ready == nullptr || ready->reason != condition::not_looked_at) return std::nullopt;
    v1alpha1::conclude(status,
                       {Standing::progressing, Phase::pending, "Retrying", "the API server: " + describe(error)}, now);
    return status;
  }
  const bool quota = error.what.find("exceeded quota") != std::string::npos;
  const char* reason = quota ? "QuotaExceeded" : error.fault == Fault::denied ? "Forbidden" : "Refused";
  v1alpha1::conclude(status, {Standing::stalled, Phase::failed, reason, "the API server refuses: " + describe(error)},
                     now);
  return status;
}

}  // namespace tributary::replication
