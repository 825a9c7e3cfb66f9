#include "operator/replication/follow.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/credentials.h"
#include "operator/replication/dependents.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release.h"
#include "operator/replication/resources.h"
#include "operator/replication/status.h"
#include "operator/replication/stream_status.h"
#include "operator/replication/table_status.h"
#include "operator/replication/waiting.h"
#include "operator/replication/wal_limit.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Mode;
using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::Standing;
using v1alpha1::State;
using v1alpha1::Truth;
using v1alpha1::Verdict;

constexpr int most_rolling = 10;  // Deployments at once, when the operator's own image changes

bool paused(const Observed& seen) {
  return seen.object.spec.state == State::paused;
}

// A pause is one when an engine that only holds has said so.
Phase phase_of(const Observed& seen, const v1alpha1::Status& status) {
  return paused(seen) && status.phase == Phase::paused ? Phase::paused : Phase::syncing;
}

void conclude(const Observed& seen, Decision& next, const Verdict& verdict) {
  conclude_stream(next.status, verdict, seen.now);
}

void wait_for(const Observed& seen, Decision& next, const std::string& what) {
  conclude(seen, next, {Standing::progressing, next.status.phase, "Ending", "waiting for " + what + " to end"});
  next.recheck = std::min(next.recheck.value_or(brisk_poll), brisk_poll);
}

const Run* outdated_copy(const Observed& seen, const v1alpha1::Status& status) {
  const Run* run = find_run(status, seen.object.spec.mode);
  const bool other = run != nullptr && asks_for_something_else(seen.object, run->generation, run->inputs_hash);
  return other ? run : nullptr;
}

// What was copied, or that it was not.
void show_snapshot(const Observed& seen, Decision& next) {
  const Mode mode = seen.object.spec.mode;
  const Run* run = find_run(next.status, mode);
  if (!v1alpha1::copies(mode) || run == nullptr) return;
  if (run->result != v1alpha1::RunResult::succeeded) {
    const bool stopped = seen.object.spec.state == State::stopped;
    v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::no,
                            stopped ? "Stopped" : "WALLimitExceeded",
                            stopped ? "spec.state says so" : "it was given up before it was complete", seen.now);
    return;
  }
  const bool outdated = outdated_copy(seen, next.status) != nullptr;
  const Verdict verdict = verdict_of_success(next.status, mode, outdated);
  v1alpha1::set_condition(next.status, condition::snapshot_complete, Truth::yes, verdict.reason, verdict.message,
                          seen.now);
}

// --- the end of a stream

const char* how_to_begin_again(const Observed& seen) {
  return v1alpha1::copies(seen.object.spec.mode) ? "another spec.snapshot.requestID copies everything again"
                                                 : "begin with init --sync again, and create another Replication";
}

void stay_released(const Observed& seen, Decision& next) {
  const State state = seen.object.spec.state;
  if (state != State::stopped && gives_up_for_wal(seen.object, next.status)) {
    const std::string kept = v1alpha1::find_condition(next.status, condition::wal_limit_exceeded)->message;
    return conclude(
        seen, next,
        {Standing::stalled, Phase::stopped, "WALLimitExceeded",
         "the stream was given up and its slots were dropped: " + kept + " (hint: " + how_to_begin_again(seen) + ")"});
  }
  if (state != State::running) {
    const bool pausing = state == State::paused;
    return conclude(seen, next,
                    {Standing::suspended, pausing ? Phase::paused : Phase::stopped, pausing ? "Paused" : "Stopped",
                     "spec.state says so; the source holds nothing for this replication any more"});
  }
  conclude(seen, next,
           {Standing::stalled, Phase::stopped, "Released",
            std::string("the stream was stopped and the source holds nothing for it any more (hint: ") +
                how_to_begin_again(seen) + ")"});
}

void stop(const Observed& seen, Decision& next) {
  const bool nothing = !engine_may_live(seen) && !may_hold_source(seen, next.status);
  if (nothing || give_back(seen, next)) stay_released(seen, next);
}

// --- the Deployment

bool engine_ended(const std::vector<Pod>& pods) {
  const Pod* pod = newest(pods);
  if (pod == nullptr) return false;
  return pod->engine.state == ContainerState::terminated ||
         (pod->engine.state == ContainerState::waiting && pod->last_end);
}

// A running engine reads its Secrets at every connect. One that has ended is started again at once when they change,
// and not only when Kubernetes would.
std::vector<v1alpha1::CredentialVersion> credentials_for(const Observed& seen, const std::vector<Pod>& pods) {
  return seen.deployment && !engine_ended(pods) ? seen.deployment->credentials : seen.secrets;
}

// The operator came to have another image, and nobody asked for anything.
bool upgrades(const Observed& seen, const Deployment& there, const Stream& wanted) {
  return there.image != wanted.image && there.generation == seen.object.generation;
}

// Why the Deployment has to be applied; nothing when it is what is wanted, or has to wait for others.
std::optional<std::string> why_apply(const Observed& seen, const Stream& wanted,
                                     const std::vector<v1alpha1::CredentialVersion>& credentials) {
  if (!seen.deployment) return "is being created";
  const Deployment& there = *seen.deployment;
  if (upgrades(seen, there, wanted) && seen.rolling >= most_rolling) return std::nullopt;
  const std::string replaced = "replaces its pod: ";
  if (there.rendered_hash != wanted.rendered_hash) return replaced + "the engine is to be started otherwise";
  if (!wanted.recopy.empty() && there.recopy != wanted.recopy) return replaced + "spec.recopy asks for tables";
  if (!same_credentials(there.credentials, credentials)) return replaced + "a Secret has changed";
  if (there.replicas != 1) return "is scaled back to one pod";
  if (there.image != wanted.image) return replaced + "the engine has another image";
  return std::nullopt;
}

void apply(const Observed& seen, const std::string& why, Stream wanted,
           std::vector<v1alpha1::CredentialVersion> credentials, Decision& next) {
  if (!seen.object.finalized) next.actions.push_back(AddFinalizer{});
  next.actions.push_back(ApplyConfigMap{std::move(wanted.config_map)});
  next.actions.push_back(ApplyDeployment{std::move(wanted.deployment)});
  next.status.credentials = std::move(credentials);
  if (!next.status.sync) next.status.sync.emplace().method = "Logical";
  conclude(seen, next,
           {Standing::progressing, phase_of(seen, next.status), "Starting", "deployment " + wanted.name + " " + why});
  next.recheck = brisk_poll;
}

Verdict verdict_of_engine(const Observed& seen, const std::vector<Pod>& pods, Decision& next) {
  if (const auto trouble = trouble_of(*seen.deployment, pods, seen)) return *trouble;
  const std::optional<Verdict> before = end_before(*newest(pods), seen);
  if (!seen.voice || !seen.voice->progress) return before ? *before : verdict_of_silence(seen, next.status);
  const v1alpha1::Spec& spec = seen.object.spec;
  set_stream(next.status, *seen.voice->progress, spec, seen.now);
  set_tables(next.status, *seen.voice->progress);
  set_recopy(next.status, *seen.voice->progress, seen.now);
  Verdict verdict = verdict_of_stream(*seen.voice->progress, next.status, spec);
  if (before && verdict.reason == "Connecting") return *before;
  return verdict;
}

// What the engine says of a Secret, with the Secret's name.
void blame_secret(const Observed& seen, Verdict& verdict, Decision& next) {
  const std::optional<std::string> named = named_secret(seen.object.spec, verdict.message);
  if (!named) return;
  verdict.message = *named;
  v1alpha1::set_condition(next.status, condition::credentials_synced, Truth::no, verdict.reason, *named, seen.now);
}

void watch_engine(const Observed& seen, const std::vector<Pod>& pods, Decision& next) {
  Verdict verdict = verdict_of_engine(seen, pods, next);
  if (verdict.standing == Standing::stalled) blame_secret(seen, verdict, next);
  if (verdict.standing == Standing::met) {
    v1alpha1::set_condition(next.status, condition::validated, Truth::yes, "Validated",
                            "both ends fit this replication", seen.now);
    if (outdated_copy(seen, next.status) != nullptr) {
      constexpr const char* where = "; the condition SnapshotComplete says what is not part of it";
      verdict.reason = "SpecChanged";
      if (verdict.message.find(where) == std::string::npos) verdict.message += where;
    }
  }
  add_wal_warning(next.status, verdict.message);
  conclude(seen, next, verdict);
  const Deployment& there = *seen.deployment;
  next.recheck = there.created && seen.now - *there.created >= first_time ? poll : brisk_poll;
}

// Of a Deployment that somebody has deleted.
const Pod* living(const std::vector<Pod>& pods) {
  const auto found = std::find_if(pods.begin(), pods.end(), [](const Pod& pod) { return !pod.finished; });
  return found == pods.end() ? nullptr : &*found;
}

void keep(const Observed& seen, Decision& next) {
  open_recopy(next.status, seen.object.spec, seen.now);
  if (seen.deployment && seen.deployment->deleting) return wait_for(seen, next, leftover(seen));
  const std::vector<Pod> pods = stream_pods(seen);
  const std::vector<v1alpha1::CredentialVersion> credentials = credentials_for(seen, pods);
  Stream wanted = stream_for(seen, stream_attempt(next.status), paused(seen), credentials);
  if (const auto why = why_apply(seen, wanted, credentials)) {
    if (!seen.deployment && !missing_secrets(seen).empty()) return await_secrets(seen, next);
    if (const Pod* last = living(pods); !seen.deployment && last != nullptr)
      return wait_for(seen, next, "pod " + last->name);
    return apply(seen, *why, std::move(wanted), credentials, next);
  }
  if (!engine_ended(pods)) look_after_config(seen, pods, std::move(wanted.config_map), next);
  watch_engine(seen, pods, next);
}

// What is still there of the snapshot's Job; empty when its engine cannot be alive.
std::string copying(const Observed& seen) {
  for (const Pod& pod : seen.pods) {
    if (!pod.finished && !pod.streams && !pod.verifies) return "pod " + pod.name;
  }
  for (const Job& job : seen.jobs) {
    if (job.deleting) return "job " + job.name;
  }
  return "";
}

}  // namespace

void follow(const Observed& seen, Decision& next) {
  set_credentials(next.status, seen);
  show_snapshot(seen, next);
  if (released(next.status)) {
    end_deployment(seen, next);
    end_pods(seen, next);
    return stay_released(seen, next);
  }
  if (seen.object.spec.state == State::stopped || gives_up_for_wal(seen.object, next.status)) return stop(seen, next);
  if (const std::string copy = copying(seen); !copy.empty()) {
    end_pods(seen, next);
    return wait_for(seen, next, copy);
  }
  keep(seen, next);
}

}  // namespace tributary::replication
