#include "operator/replication/decide.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/api/validate.h"
#include "operator/replication/credentials.h"
#include "operator/replication/outcome.h"
#include "operator/replication/resources.h"
#include "operator/replication/status.h"
#include "operator/replication/waiting.h"

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

constexpr Milliseconds poll{15'000};
constexpr Milliseconds brisk_poll{5'000};      // for what ends soon
constexpr std::chrono::minutes first_time{1};  // of a Job: a short copy is to be seen moving
constexpr std::chrono::minutes patience{5};    // with a missing Secret
constexpr Seconds silence_limit{60};           // of an engine
constexpr Seconds start_limit{10};             // of a pod, before its ConfigMap is looked after

const Job* newest_job(const Observed& seen) {
  const Job* found = nullptr;
  for (const Job& job : seen.jobs) {
    if (!job.deleting && (found == nullptr || job.attempt > found->attempt)) found = &job;
  }
  return found;
}

std::vector<Pod> pods_of(const Observed& seen, const Job& job) {
  std::vector<Pod> pods;
  std::copy_if(seen.pods.begin(), seen.pods.end(), std::back_inserter(pods),
               [&](const Pod& pod) { return pod.job_uid == job.uid; });
  return pods;
}

const Pod* living_pod(const Observed& seen) {
  const auto found = std::find_if(seen.pods.begin(), seen.pods.end(), [](const Pod& pod) { return !pod.finished; });
  return found == seen.pods.end() ? nullptr : &*found;
}

// What is still about to end; empty when no engine of this object can be alive.
std::string leftover(const Observed& seen) {
  if (const Pod* pod = living_pod(seen)) return "pod " + pod->name;
  for (const Job& job : seen.jobs) {
    if (job.deleting) return "job " + job.name;
  }
  return "";
}

void end_jobs(const Observed& seen, Decision& next) {
  for (const Job& job : seen.jobs) {
    if (!job.deleting) next.actions.push_back(DeleteJob{job.name, job.uid});
  }
}

void conclude(Decision& next, const Observed& seen, const Verdict& verdict) {
  v1alpha1::conclude(next.status, verdict, seen.now);
}

// --- deletion

Decision tear_down(const Observed& seen) {
  Decision next{.status = seen.object.status};
  if (!seen.object.finalized) return next;
  next.status.observed_generation = seen.object.generation;
  const bool engine_may_live =
      std::any_of(seen.jobs.begin(), seen.jobs.end(),
                  [](const Job& job) { return job.deleting || job.state == JobState::active; }) ||
      living_pod(seen) != nullptr;
  if (!engine_may_live) {
    next.actions.push_back(RemoveFinalizer{});
    return next;
  }
  end_jobs(seen, next);
  const std::string last = leftover(seen);
  const std::string waiting_for = last.empty() ? "its job" : last;
  conclude(next, seen, {Standing::progressing, Phase::deleting, "Deleting", "waiting for " + waiting_for + " to end"});
  const auto left = *seen.object.deleted + seen.object.spec.deletion_timeout - seen.now;
  if (left > WallTime::duration::zero()) {
    next.recheck = std::min(brisk_poll, std::chrono::ceil<Milliseconds>(left));
    return next;
  }
  next.actions.push_back(Announce{{kube::EventKind::warning, "CleanupTimedOut", "Delete",
                                   waiting_for + " did not end within spec.deletion.timeout and may still write to "
                                                 "the target"}});
  next.actions.push_back(RemoveFinalizer{});
  return next;
}

// --- nothing runs

// Whether the spec asks for something else than it did when it was of that generation and its inputs of that digest.
// Another release of the operator may make the digest otherwise: what nobody changed is not called changed.
bool asks_for_something_else(const v1alpha1::Replication& object, std::int64_t generation, const std::string& hash) {
  return generation != object.generation && hash != inputs_hash(object);
}

bool completed(const Observed& seen, const Run* run) {
  if (run == nullptr || run->result != RunResult::succeeded) return false;
  if (run->request_id != seen.object.spec.snapshot.request_id) return false;
  return seen.object.spec.mode == v1alpha1::Mode::snapshot ||
         !asks_for_something_else(seen.object, run->generation, run->inputs_hash);
}

// What is complete keeps no pod: not for what runs beside the engine, and not because a Job, whose pod was lost before
// it was counted, has started another. A failed engine's pod stays for its log until the next attempt.
void end_pods(const Observed& seen, Decision& next) {
  for (const Pod& pod : seen.pods) {
    if (pod.finished || pod.deleting) continue;
    const WallTime due = overstays_from(pod).value_or(seen.now);
    if (due <= seen.now) return end_jobs(seen, next);
    next.recheck = std::chrono::ceil<Milliseconds>(due - seen.now);
  }
}

bool same_credentials(std::vector<v1alpha1::CredentialVersion> a, std::vector<v1alpha1::CredentialVersion> b) {
  const auto by_name = [](const auto& left, const auto& right) { return left.name < right.name; };
  std::sort(a.begin(), a.end(), by_name);
  std::sort(b.begin(), b.end(), by_name);
  return a == b;
}

// A snapshot is of its own time; only another request makes a new one.
void stay_complete(const Observed& seen, Decision& next) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run& run = run_of(next.status, mode);
  const bool outdated = asks_for_something_else(seen.object, run.generation, run.inputs_hash);
  const Verdict verdict = verdict_of_success(next.status, mode, outdated);
  set_credentials(next.status, seen);
  if (mode == v1alpha1::Mode::snapshot) {
    v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::yes, verdict.reason, verdict.message,
                            seen.now);
  }
  conclude(next, seen, verdict);
}

bool failed_and_nothing_changed(const Observed& seen, const v1alpha1::Status& status, const Run* run) {
  return run != nullptr && run->result == RunResult::failed && run->generation == seen.object.generation &&
         same_credentials(status.credentials, seen.secrets);
}

void suspend(const Observed& seen, Decision& next) {
  const bool paused = seen.object.spec.state == State::paused;
  const char* reason = paused ? "Paused" : "Stopped";
  if (seen.object.spec.mode == v1alpha1::Mode::snapshot) {
    v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::no, reason, "spec.state says so",
                            seen.now);
  }
  conclude(next, seen, {Standing::suspended, paused ? Phase::paused : Phase::stopped, reason, "spec.state says so"});
}

// The Secret watch wakes us; the recheck is for the moment when patience ends.
void await_secrets(const Observed& seen, Decision& next) {
  const v1alpha1::Condition* synced = v1alpha1::find_condition(next.status, condition::credentials_synced);
  const WallTime since = parse_rfc3339(synced->last_transition_time).value_or(seen.now);
  const bool lasting = seen.now - since >= patience;
  if (!lasting) next.recheck = std::chrono::ceil<Milliseconds>(since + patience - seen.now);
  conclude(next, seen,
           {lasting ? Standing::stalled : Standing::progressing, lasting ? Phase::failed : Phase::pending,
            synced->reason, synced->message});
}

// What a person may not expect of a snapshot that is asked for again.
Verdict verdict_of_begin(const Attempt& attempt, bool repeated) {
  const std::string creation = "job " + attempt.name + " is being created";
  if (!repeated) return {Standing::progressing, Phase::pending, "Starting", creation};
  return {Standing::progressing, Phase::pending, "Repeating",
          creation +
              ": spec.snapshot.requestID asks for another snapshot, which replaces what the one before copied, "
              "rows that were added to its tables since included"};
}

void begin(const Observed& seen, Decision& next, const Before& before) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run* last = find_run(next.status, mode);
  const bool repeated = mode == v1alpha1::Mode::snapshot && last != nullptr && last->result == RunResult::succeeded;
  int number = last == nullptr ? 0 : last->attempt;
  for (const Job& job : seen.jobs) number = std::max(number, job.attempt);
  Attempt attempt = attempt_for(seen, number + 1, before);
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  end_jobs(seen, next);
  next.actions.push_back(ApplyConfigMap{std::move(attempt.config_map)});
  next.actions.push_back(CreateJob{std::move(attempt.job)});
  begin_run(next.status, mode,
            {.inputs_hash = attempt.inputs_hash,
             .request_id = seen.object.spec.snapshot.request_id,
             .job_name = attempt.name,
             .attempt = attempt.number,
             .outages = before.outages,
             .crashes = before.crashes,
             .generation = seen.object.generation},
            seen.secrets, seen.now);
  conclude(next, seen, verdict_of_begin(attempt, repeated));
  next.recheck = brisk_poll;
}

void rest(const Observed& seen, Decision& next) {
  const Run* last = find_run(next.status, seen.object.spec.mode);
  if (completed(seen, last)) {
    end_pods(seen, next);
    return stay_complete(seen, next);
  }
  Before before;
  if (failed_and_nothing_changed(seen, next.status, last)) {
    const std::optional<WallTime> due = retry_time(*last);
    if (!due) return;
    if (*due > seen.now) {
      next.recheck = std::chrono::ceil<Milliseconds>(*due - seen.now);
      return;
    }
    before = {last->outages, last->crashes};
  }
  set_credentials(next.status, seen);
  if (const std::string left = leftover(seen); !left.empty()) {
    end_jobs(seen, next);
    conclude(next, seen, {Standing::progressing, Phase::pending, "Ending", "waiting for " + left + " to end"});
    next.recheck = brisk_poll;
  } else if (seen.object.spec.state != State::running) {
    suspend(seen, next);
  } else if (!missing_secrets(seen).empty()) {
    await_secrets(seen, next);
  } else {
    begin(seen, next, before);
  }
}

// --- a Job runs

void set_before(Run& run, const Job& job) {
  run.outages = job.outages;
  run.crashes = job.crashes;
}

void adopt(Decision& next, const Observed& seen, const Job& job) {
  const v1alpha1::Mode mode = seen.object.spec.mode;
  const Run* known = find_run(next.status, mode);
  if (known == nullptr || known->job_name != job.name) {
    begin_run(next.status, mode, {.job_name = job.name}, job.credentials, seen.now);
  }
  Run& run = run_of(next.status, mode);
  run.inputs_hash = job.inputs_hash;
  run.request_id = job.request_id;
  run.attempt = job.attempt;
  if (run.result == RunResult::none) set_before(run, job);
  run.generation = job.generation;
  if (job.created) run.start_time = rfc3339(*job.created);
}

std::optional<std::string> why_replace(const Observed& seen, const Job& job, const std::vector<Pod>& pods) {
  if (seen.object.spec.state == State::stopped) return "spec.state says Stopped";
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

// A pod that waits for its ConfigMap would wait forever if that were deleted.
void look_after_config(const Observed& seen, const Job& job, const std::vector<Pod>& pods, Decision& next) {
  const Pod* pod = newest(pods);
  if (pod == nullptr || pod->finished || pod->engine.state == ContainerState::running) return;
  if (pod->created && seen.now - *pod->created < start_limit) return;
  next.actions.push_back(RestoreConfigMap{config_map_of(seen.object, job.name, job.attempt)});
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
  if (const auto why = why_replace(seen, job, pods)) {
    end_jobs(seen, next);
    conclude(next, seen,
             {Standing::progressing, next.status.phase, "Ending", "job " + job.name + " is ended: " + *why});
    return;
  }
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  look_after_config(seen, job, pods, next);
  const std::optional<Verdict> trouble = trouble_of(job, pods, seen);
  const Verdict verdict = trouble ? *trouble : verdict_of_engine(seen, next.status);
  conclude(next, seen, verdict);
  if (seen.object.spec.mode == v1alpha1::Mode::snapshot) {
    v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::no, verdict.reason, verdict.message,
                            seen.now);
  }
}

}  // namespace

Decision decide(const Observed& seen) {
  if (seen.object.deleted) return tear_down(seen);
  Decision next{.status = opened(seen)};
  if (const auto flaw = v1alpha1::flaw_of(seen.object)) {
    conclude(next, seen, {Standing::stalled, Phase::failed, "InvalidSpec", describe(*flaw)});
    return next;
  }
  const Job* job = newest_job(seen);
  if (job != nullptr) {
    adopt(next, seen, *job);
    const std::vector<Pod> pods = pods_of(seen, *job);
    const Outcome outcome = outcome_of(*job, pods, seen);
    const RunResult recorded = run_of(next.status, seen.object.spec.mode).result;
    if (outcome.result == RunResult::none && recorded != RunResult::succeeded) {
      carry_on(seen, *job, pods, next);
      return next;
    }
    if (recorded == RunResult::none) {
      record(next.status, seen, outcome);
      next.doubtful = !outcome.report;
      return next;  // recorded before anything else happens to the Job
    }
  }
  rest(seen, next);
  return next;
}

bool wants_a_live_look(const Decision& decision) {
  return decision.doubtful || std::any_of(decision.actions.begin(), decision.actions.end(), [](const Action& action) {
           return std::holds_alternative<CreateJob>(action) || std::holds_alternative<DeleteJob>(action) ||
                  std::holds_alternative<RemoveFinalizer>(action);
         });
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
