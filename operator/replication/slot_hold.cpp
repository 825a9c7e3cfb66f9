#include "operator/replication/slot_hold.h"

#include "operator/replication/dependents.h"
#include "operator/replication/release.h"
#include "operator/replication/status.h"

namespace tributary::replication {
namespace {

using v1alpha1::Run;
using v1alpha1::RunResult;

constexpr std::chrono::hours longest{1};
constexpr Seconds silence_limit{60};  // of an engine that has just been started

enum class Hold {
  none,
  maybe,  // an engine has just been started
  held,
};

// An engine that cannot be asked is taken to be at the copy: a NetworkPolicy must not cost one.
Hold hold_of(const Observed& seen) {
  for (const Job& job : seen.jobs) {
    for (const Pod& pod : pods_of(seen, job)) {
      if (pod.finished || pod.deleting || pod.engine.state != ContainerState::running) continue;
      if (seen.voice && seen.voice->progress) return checks_passed(*seen.voice->progress) ? Hold::held : Hold::none;
      const bool silent =
          seen.voice && seen.voice->silent_since && seen.now - *seen.voice->silent_since >= silence_limit;
      return silent ? Hold::held : Hold::maybe;
    }
  }
  return Hold::none;
}

}  // namespace

void remember_hold(const Observed& seen, v1alpha1::Status& status) {
  if (!v1alpha1::copies(seen.object.spec.mode) || !status.snapshot) return;
  Run& run = *status.snapshot;
  const bool none =
      run.result == RunResult::succeeded || released(status) || !may_hold_slot(run, seen.object.spec.mode);
  const Hold hold = hold_of(seen);
  if (none || hold == Hold::held) {
    run.slot_unheld_since.clear();
  } else if (hold == Hold::none && run.slot_unheld_since.empty()) {
    run.slot_unheld_since = rfc3339(seen.now);
  }
}

std::optional<WallTime> slot_given_up_at(const Observed& seen, const v1alpha1::Status& status) {
  if (!status.snapshot || hold_of(seen) != Hold::none) return std::nullopt;
  const std::optional<WallTime> since = parse_rfc3339(status.snapshot->slot_unheld_since);
  return since ? std::optional<WallTime>(*since + longest) : std::nullopt;
}

bool gives_up_slot(const Observed& seen, const v1alpha1::Status& status) {
  const std::optional<WallTime> due = slot_given_up_at(seen, status);
  return due && *due <= seen.now;
}

}  // namespace tributary::replication
