#include "operator/replication/traces.h"

#include <algorithm>

#include "operator/replication/dependents.h"
#include "operator/replication/outcome.h"
#include "operator/replication/release.h"
#include "operator/replication/resources.h"
#include "operator/replication/status.h"

namespace tributary::replication {
namespace {

using v1alpha1::Run;
using v1alpha1::RunResult;

// In ascending order of what is to be believed of several pods.
enum class Trace {
  none,     // no engine has run
  refused,  // its checks ended it
  open,     // it is at work, and may yet say that it was refused
  left,     // it may have made a slot
};

// A pod that is ended while its Job goes on leaves no place for a last word.
Trace trace_of(const Pod& pod, bool job_ends, const std::string& identity) {
  if (pod.engine.state == ContainerState::terminated) {
    return made_nothing(pod.engine, identity) ? Trace::refused : Trace::left;
  }
  if (pod.finished) return Trace::left;
  if (pod.engine.state != ContainerState::running) return Trace::none;
  return pod.deleting && !job_ends ? Trace::left : Trace::open;
}

Trace trace_of(const Observed& seen, const Job& job) {
  Trace trace = Trace::none;
  int ended = 0;
  for (const Pod& pod : pods_of(seen, job)) {
    if (pod.finished || pod.engine.state == ContainerState::terminated) ++ended;
    trace = std::max(trace, trace_of(pod, job.deleting, identity_of(seen.object)));
  }
  return job.failed_pods > ended ? Trace::left : trace;
}

// Nothing where there is nothing to find out.
Run* unfinished(const Observed& seen, v1alpha1::Status& status) {
  if (!v1alpha1::copies(seen.object.spec.mode) || !status.snapshot || released(status)) return nullptr;
  return status.snapshot->result == RunResult::succeeded ? nullptr : &*status.snapshot;
}

// An engine got past its checks.
void mark_left(Run& run) {
  run.may_hold_slot = true;
  run.may_hold_data = true;
}

void mark_ended(Run& run, WallTime now) {
  if (run.result == RunResult::none && run.completion_time.empty()) run.completion_time = rfc3339(now);
}

}  // namespace

void remember_traces(const Observed& seen, Decision& next) {
  Run* run = unfinished(seen, next.status);
  if (run == nullptr || run->may_hold_slot == true) return;
  run->may_hold_slot = may_hold_slot(*run, seen.object.spec.mode);
  bool lost = run->result == RunResult::none;
  for (const Job& job : seen.jobs) {
    if (job.attempt < run->attempt) continue;
    lost = false;
    const Trace trace = trace_of(seen, job);
    if (trace == Trace::left) mark_left(*run);
    if (trace == Trace::open && run->result == RunResult::none) run->completion_time.clear();
    if (trace == Trace::refused && job.deleting) mark_ended(*run, seen.now);
  }
  if (lost && run->completion_time.empty()) mark_left(*run);
  if (*run->may_hold_slot) next.doubtful = true;
}

void account_for_ended(const Observed& seen, v1alpha1::Status& status) {
  Run* run = unfinished(seen, status);
  if (run == nullptr) return;
  for (const Job& job : seen.jobs) {
    if (job.deleting || job.attempt < run->attempt) continue;
    if (trace_of(seen, job) <= Trace::refused) mark_ended(*run, seen.now);
  }
}

bool copy_is_open(const Observed& seen) {
  return std::any_of(seen.jobs.begin(), seen.jobs.end(),
                     [&](const Job& job) { return trace_of(seen, job) == Trace::open; });
}

}  // namespace tributary::replication
