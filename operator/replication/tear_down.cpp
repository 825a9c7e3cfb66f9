#include "operator/replication/tear_down.h"

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/dependents.h"
#include "operator/replication/live_release.h"
#include "operator/replication/release.h"
#include "operator/replication/resources.h"
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

// What a person can run in each target database, as the ledger has it.
void announce_target(const Observed& seen, const char* why, Decision& next) {
  const std::string identity = identity_of(seen.object);
  const std::string of = identity.empty() ? "" : " WHERE replication = '" + identity + "'";
  next.actions.push_back(Announce{{kube::EventKind::warning, target_data_left, "Delete",
                                   "replication " + seen.object.name + " is gone and what it copied is left, " + why +
                                       " (hint: what drops it is told in each database of the target by SELECT undo "
                                       "FROM _tributary.step" +
                                       of + " ORDER BY number DESC)"},
                                  seen.terminating});
}

// What the Job left on purpose.
void announce_kept(const Observed& seen, Decision& next) {
  constexpr std::size_t room = 900;
  std::string objects;
  std::size_t untold = 0;
  for (const api::Finding& finding : left_on_target(seen)) {
    const std::string each = (objects.empty() ? "" : "; ") + finding.subject + ": " + finding.message;
    if (untold > 0 || objects.size() + each.size() > room) {
      ++untold;
    } else {
      objects += each;
    }
  }
  if (untold > 0) objects += "; and " + std::to_string(untold) + " more";
  if (!objects.empty())
    next.actions.push_back(Announce{{kube::EventKind::warning, target_data_left, "Delete", objects}});
}

// Nothing is begun any more.
void only_end(Decision& next) {
  std::erase_if(next.actions, [](const Action& action) {
    return std::holds_alternative<CreateJob>(action) || std::holds_alternative<ApplyConfigMap>(action) ||
           std::holds_alternative<OrderRelease>(action);
  });
}

struct Wish {
  bool gives_back = true;
  Remains remains = Remains::data;
};

Wish wish_of(const v1alpha1::Spec& spec) {
  const bool gives_back = spec.source_objects == v1alpha1::SourceObjects::remove;
  const bool drops = gives_back && spec.target_data == v1alpha1::TargetData::remove;
  return {gives_back, drops ? Remains::nothing : Remains::data};
}

// Where what was copied is to go, the ledger still has to tell what that is.
bool ask(const Observed& seen, Decision& next, const Wish& wish) {
  return wish.gives_back && may_hold_source(seen, next.status) &&
         ask_engine(seen, next, Phase::deleting, wish.remains == Remains::data);
}

}  // namespace

Decision leave(const Observed& seen) {
  Decision next{.status = seen.object.status};
  next.recheck = brisk_poll;
  remember_begin(seen, next.status);
  remember_traces(seen, next);
  if (ask(seen, next, wish_of(seen.object.spec))) return next;
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
  if (!seen.barred) end_verifications(seen, next);
  const Wish wish = wish_of(seen.object.spec);
  const bool asked = ask(seen, next, wish);
  const bool holds = wish.gives_back && may_hold_source(seen, next.status);
  const bool filled = wish.remains == Remains::nothing && may_hold_target(seen, next.status);
  std::string engine;
  if (asked) {
    engine = leftover(seen);
  } else if (engine_may_live(seen) && !seen.barred) {
    engine = end_engines(seen, next);
  } else if ((holds || filled) && seen.terminating) {
    const char* const why = "because nothing can be started in a namespace that is being deleted";
    if (holds) announce_source(seen, next.status, why, next);
    if (filled) announce_target(seen, why, next);
    next.actions.push_back(RemoveFinalizer{.orphans = true});
    return next;
  } else if ((!holds && !filled) || release(seen, next, Phase::deleting, wish.remains)) {
    if (wish.remains == Remains::nothing) announce_kept(seen, next);
    next.actions.push_back(RemoveFinalizer{});
    return next;
  }
  const auto left = *seen.object.deleted + seen.object.spec.deletion_timeout - seen.now;
  if (left > WallTime::duration::zero()) {
    next.recheck = std::min(next.recheck.value_or(brisk_poll), std::chrono::ceil<Milliseconds>(left));
    return next;
  }
  only_end(next);
  const char* const why = "because spec.deletion.timeout has passed";
  if (!engine.empty()) announce_leftover(engine, next);
  if (holds) announce_source(seen, next.status, why, next);
  if (filled) announce_target(seen, why, next);
  next.actions.push_back(RemoveFinalizer{.orphans = true});
  next.recheck.reset();
  return next;
}

}  // namespace tributary::replication
