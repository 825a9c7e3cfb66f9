#include "operator/replication/idle.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/api/validate.h"
#include "operator/replication/credentials.h"
#include "operator/replication/dependents.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release.h"
#include "operator/replication/release_status.h"
#include "operator/replication/slot_hold.h"
#include "operator/replication/status.h"
#include "operator/replication/wal_limit.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Condition;
using v1alpha1::Mode;
using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::RunResult;
using v1alpha1::Standing;
using v1alpha1::State;
using v1alpha1::Truth;

constexpr const char* slot_given_up = "SlotGivenUp";

// Concludes with why nothing begins.
using Tell = void (*)(const Observed& seen, Decision& next);

void tell_flaw(const Observed& seen, Decision& next) {
  const std::optional<Error> flaw = v1alpha1::flaw_of(seen.object);
  v1alpha1::conclude(next.status, {Standing::stalled, Phase::failed, "InvalidSpec", describe(*flaw)}, seen.now);
}

void tell_failure(const Observed& seen, Decision& next) {
  const bool copies = v1alpha1::copies(seen.object.spec.mode);
  const Condition told =
      *v1alpha1::find_condition(next.status, copies ? condition::snapshot_complete : condition::validated);
  v1alpha1::conclude(next.status, {Standing::stalled, Phase::failed, told.reason, told.message}, seen.now);
}

// With the copy at an end.
void tell_over_limit(const Observed& seen, Decision& next) {
  constexpr const char* reason = "WALLimitExceeded";
  const std::string kept = v1alpha1::find_condition(next.status, condition::wal_limit_exceeded)->message;
  v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::no, reason,
                          "it was given up before it was complete", seen.now);
  v1alpha1::conclude(next.status,
                     {Standing::stalled, Phase::failed, reason,
                      "the copy was given up: " + kept +
                          " (hint: allow more, then another spec.snapshot.requestID copies everything again)"},
                     seen.now);
}

// With the slot alone: the copy begins again.
void tell_slot_given_up(const Observed& seen, Decision& next) {
  const Condition told = *v1alpha1::find_condition(next.status, condition::snapshot_complete);
  v1alpha1::conclude(next.status,
                     {Standing::progressing, Phase::pending, slot_given_up,
                      "no engine has been at this copy for an hour, so that its slot is given up and the source's disk "
                      "does not fill up: " +
                          told.message},
                     seen.now);
}

// Nothing where another attempt may begin, now or when it is due.
Tell why_idle(const Observed& seen, const v1alpha1::Status& status) {
  const Run* last = find_run(status, seen.object.spec.mode);
  if (v1alpha1::flaw_of(seen.object)) return tell_flaw;
  if (failed_and_nothing_changed(seen, status, last) && !retry_time(*last)) return tell_failure;
  if (seen.object.spec.state != State::running) return suspend;
  if (!seen.rival.empty()) return yield_to_rival;
  if (gives_up_for_wal(seen.object, status) && !v1alpha1::streams(seen.object.spec.mode)) return tell_over_limit;
  if (!missing_secrets(seen).empty()) return await_secrets;
  return gives_up_slot(seen, status) ? tell_slot_given_up : nullptr;
}

void add_to_message(v1alpha1::Status& status, const std::string& note, WallTime now) {
  for (const char* type : {condition::ready, condition::reconciling, condition::stalled}) {
    const Condition* found = v1alpha1::find_condition(status, type);
    if (found == nullptr) continue;
    const Condition told = *found;
    v1alpha1::set_condition(status, type, told.status, told.reason, told.message + "; " + note, now);
  }
}

void look_again(Decision& next, std::optional<Milliseconds> when) {
  if (when) next.recheck = std::min(next.recheck.value_or(*when), *when);
}

// Not what Ready says of the release alone.
void tell_synced(const Observed& seen, Decision& next, const Condition& told) {
  if (!v1alpha1::streams(seen.object.spec.mode)) return;
  v1alpha1::set_condition(next.status, condition::synced, Truth::no, told.reason, told.message, seen.now);
}

// Ready says why nothing begins, and what is given back beside that.
void tell_beside_release(const Observed& seen, Decision& next, Tell tell) {
  const std::optional<Milliseconds> due = next.recheck;
  tell(seen, next);
  look_again(next, due);
  if (const Condition* release = v1alpha1::find_condition(next.status, condition::source_released)) {
    tell_synced(seen, next, Condition(*release));
  }
  add_to_message(next.status,
                 held_by(seen.object.spec.mode) + (release_fails(next.status)
                                                       ? " is not given back yet: see the condition SourceReleased"
                                                       : " is being given back"),
                 seen.now);
}

void tell_after_release(const Observed& seen, Decision& next, Tell tell) {
  tell(seen, next);
  add_to_message(next.status,
                 "what the copy held on the source is given back, and another attempt copies everything anew",
                 seen.now);
  tell_synced(seen, next, Condition(*v1alpha1::find_condition(next.status, condition::ready)));
}

// An engine that has ended is counted by its Job in a moment; until then its pod would go, and its log with it.
bool is_counted_soon(const Observed& seen) {
  return std::any_of(seen.jobs.begin(), seen.jobs.end(), [&](const Job& job) {
    const std::vector<Pod> pods = pods_of(seen, job);
    const Pod* pod = newest(pods);
    if (job.deleting || job.state != JobState::active || pod == nullptr) return false;
    if (pod->engine.state != ContainerState::terminated) return false;
    const std::optional<WallTime> overstays = overstays_from(*pod);
    return pod->finished || (overstays && *overstays > seen.now);
  });
}

// A Secret may be away for a moment, and without its own nobody reaches a source. Nothing: at once.
std::optional<WallTime> release_waits_until(const Observed& seen, const v1alpha1::Status& status) {
  const std::vector<std::string> missing = missing_secrets(seen);
  if (missing.empty()) return std::nullopt;
  if (std::find(missing.begin(), missing.end(), seen.object.spec.source.secret) != missing.end()) {
    return WallTime::max();
  }
  const WallTime overdue = secrets_overdue_at(seen, status);
  return overdue > seen.now ? std::optional(overdue) : std::nullopt;
}

void tell_and_wait(const Observed& seen, Decision& next, Tell tell, WallTime until) {
  tell(seen, next);
  if (until == WallTime::max()) {
    tell_locked_out(seen, next.status);
  } else {
    look_again(next, std::chrono::ceil<Milliseconds>(until - seen.now));
  }
  add_to_message(next.status, "until then the source may keep its log for the copy that was begun", seen.now);
}

void tell_and_give_back(const Observed& seen, Decision& next, Tell tell) {
  const Run* last = find_run(next.status, seen.object.spec.mode);
  const bool incomplete =
      v1alpha1::copies(seen.object.spec.mode) && last != nullptr && last->result != RunResult::succeeded;
  if (incomplete && released(next.status)) return tell_after_release(seen, next, tell);
  if (!incomplete || !may_hold_source(seen, next.status)) return tell(seen, next);
  if (is_counted_soon(seen)) {
    tell(seen, next);
    look_again(next, brisk_poll);
  } else if (const auto until = release_waits_until(seen, next.status)) {
    tell_and_wait(seen, next, tell, *until);
  } else if (give_back(seen, next)) {
    tell_after_release(seen, next, tell);
  } else {
    tell_beside_release(seen, next, tell);
  }
}

}  // namespace

bool failed_and_nothing_changed(const Observed& seen, const v1alpha1::Status& status, const Run* run) {
  return run != nullptr && run->result == RunResult::failed && run->generation == seen.object.generation &&
         same_credentials(status.credentials, seen.secrets);
}

void suspend(const Observed& seen, Decision& next) {
  const bool paused = seen.object.spec.state == State::paused;
  const char* reason = paused ? "Paused" : "Stopped";
  const Mode mode = seen.object.spec.mode;
  for (const char* type : {condition::snapshot_complete, condition::synced}) {
    const bool has = type == condition::synced ? v1alpha1::streams(mode) : v1alpha1::copies(mode);
    if (has) v1alpha1::set_condition(next.status, type, Truth::no, reason, "spec.state says so", seen.now);
  }
  v1alpha1::conclude(next.status,
                     {Standing::suspended, paused ? Phase::paused : Phase::stopped, reason, "spec.state says so"},
                     seen.now);
}

void yield_to_rival(const Observed& seen, Decision& next) {
  v1alpha1::conclude(
      next.status,
      {Standing::stalled, Phase::failed, "TargetConflict",
       "replication " + seen.rival + " writes the same tables of the same target and goes first (hint: delete one " +
           "of the two, or select other databases or tables)"},
      seen.now);
  next.recheck = poll;
}

void stay_flawed(const Observed& seen, Decision& next) {
  const Job* job = newest_of(seen.jobs);
  const bool runs = job != nullptr && outcome_of(*job, pods_of(seen, *job), seen).result == RunResult::none;
  if (runs) return tell_flaw(seen, next);
  tell_and_give_back(seen, next, tell_flaw);
}

bool stay_idle(const Observed& seen, Decision& next) {
  const Tell tell = why_idle(seen, next.status);
  if (tell == nullptr) return false;
  tell_and_give_back(seen, next, tell);
  return true;
}

void await_retry(const Observed& seen, Decision& next, WallTime due) {
  const Condition* ready = v1alpha1::find_condition(next.status, condition::ready);
  if (ready->reason == slot_given_up && released(next.status)) tell_after_release(seen, next, tell_slot_given_up);
  const std::optional<WallTime> given_up = slot_given_up_at(seen, next.status);
  const WallTime then = given_up ? std::min(due, *given_up) : due;
  next.recheck = std::chrono::ceil<Milliseconds>(then - seen.now);
}

bool go_on_releasing(const Observed& seen, Decision& next) {
  const Run* last = find_run(next.status, seen.object.spec.mode);
  const bool given_up = v1alpha1::streams(seen.object.spec.mode) &&
                        (seen.object.spec.state == State::stopped || gives_up_for_wal(seen.object, next.status));
  const bool broken = last != nullptr && last->result != RunResult::succeeded && !given_up;
  if (!failed_and_nothing_changed(seen, next.status, last)) set_credentials(next.status, seen);
  if (give_back(seen, next)) return true;
  const Tell tell = broken ? why_idle(seen, next.status) : nullptr;
  if (tell != nullptr) tell_beside_release(seen, next, tell);
  return false;
}

}  // namespace tributary::replication
