#include "operator/replication/tear_down.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/dependents.h"
#include "operator/replication/live_release.h"
#include "operator/replication/release.h"
#include "operator/replication/status.h"
#include "operator/replication/stream_status.h"
#include "operator/replication/traces.h"

namespace tributary::replication {
namespace {

using v1alpha1::Phase;
using v1alpha1::Standing;

// A copy that the status never heard of may have made a slot, beside what the one before it holds.
void remember_begin(const Observed& seen, v1alpha1::Status& status) {
  const Job* job = newest_of(seen.jobs);
  if (job == nullptr || !v1alpha1::copies(seen.object.spec.mode)) return;
  if (status.snapshot && status.snapshot->attempt >= job->attempt) return;
  begin_run(status, seen.object.spec.mode,
            {.job_name = job->name, .attempt = job->attempt, .generation = job->generation}, job->credentials,
            seen.now);
}

std::string end_engines(const Observed& seen, Decision& next) {
  end_jobs(seen, next);
  end_deployment(seen, next);
  const std::string last = leftover(seen);
  const std::string waiting_for = last.empty() ? "its job" : last;
  v1alpha1::conclude(next.status,
                     {Standing::progressing, Phase::deleting, "Deleting", "waiting for " + waiting_for + " to end"},
                     seen.now);
  next.recheck = brisk_poll;
  return waiting_for;
}

void announce_leftover(const std::string& engine, Decision& next) {
  next.actions.push_back(Announce{{kube::EventKind::warning, "CleanupTimedOut", "Delete",
                                   engine + " did not end within spec.deletion.timeout and may still write to the "
                                            "target"}});
}

void announce_source(const Observed& seen, const v1alpha1::Status& status, const char* why, Decision& next) {
  const std::string note =
      "replication " + seen.object.name + " is gone and its slots on the source are left, " + why +
      ": the source keeps its log for them until somebody runs there: " + statements_by_hand(status, seen.object.spec);
  next.actions.push_back(Announce{{kube::EventKind::warning, "SourceObjectsLeft", "Delete", note}, seen.terminating});
}

// Nothing is begun any more.
void only_end(Decision& next) {
  std::erase_if(next.actions, [](const Action& action) {
    return std::holds_alternative<CreateJob>(action) || std::holds_alternative<ApplyConfigMap>(action) ||
           std::holds_alternative<OrderRelease>(action);
  });
}

bool gives_back(const Observed& seen) {
  return seen.object.spec.source_objects == v1alpha1::SourceObjects::remove;
}

}  // namespace

Decision leave(const Observed& seen) {
  Decision next{.status = seen.object.status};
  next.recheck = brisk_poll;
  remember_begin(seen, next.status);
  remember_traces(seen, next);
  if (gives_back(seen) && may_hold_source(seen, next.status) && ask_engine(seen, next, Phase::deleting, true))
    return next;
  v1alpha1::conclude(next.status,
                     {Standing::progressing, Phase::deleting, "NamespaceEnds", "its namespace is being deleted"},
                     seen.now);
  return next;
}

Decision tear_down(const Observed& seen) {
  Decision next{.status = seen.object.status};
  if (!seen.object.finalized) return next;
  next.status.observed_generation = seen.object.generation;
  remember_begin(seen, next.status);
  remember_traces(seen, next);
  const bool given = gives_back(seen);
  const bool asked = given && may_hold_source(seen, next.status) && ask_engine(seen, next, Phase::deleting, true);
  const bool holds = given && may_hold_source(seen, next.status);
  std::string engine;
  if (asked) {
    engine = leftover(seen);
  } else if (engine_may_live(seen)) {
    engine = end_engines(seen, next);
  } else if (holds && seen.terminating) {
    announce_source(seen, next.status, "because nothing can be started in a namespace that is being deleted", next);
    next.actions.push_back(RemoveFinalizer{});
    return next;
  } else if (!holds || release(seen, next, Phase::deleting, true)) {
    next.actions.push_back(RemoveFinalizer{});
    return next;
  }
  const auto left = *seen.object.deleted + seen.object.spec.deletion_timeout - seen.now;
  if (left > WallTime::duration::zero()) {
    next.recheck = std::min(next.recheck.value_or(brisk_poll), std::chrono::ceil<Milliseconds>(left));
    return next;
  }
  only_end(next);
  if (!engine.empty()) announce_leftover(engine, next);
  if (holds) announce_source(seen, next.status, "because spec.deletion.timeout has passed", next);
  next.actions.push_back(RemoveFinalizer{});
  next.recheck.reset();
  return next;
}

}  // namespace tributary::replication
