#pragma once

#include <string>
#include <vector>

#include "operator/replication/decide.h"

// What there is of a Replication's engines, and how they are ended. All pure.
namespace tributary::replication {

inline constexpr Milliseconds poll{15'000};
inline constexpr Milliseconds brisk_poll{5'000};      // for what ends soon
inline constexpr std::chrono::minutes first_time{1};  // of an engine: what it does first is to be seen moving
inline constexpr Seconds start_limit{10};             // of a pod, before its ConfigMap is looked after

// The one of the highest attempt that is not being deleted; nothing when there is none.
const Job* newest_of(const std::vector<Job>& jobs);
bool any_active(const std::vector<Job>& jobs);
std::vector<Pod> pods_of(const Observed& seen, const Job& job);
std::vector<Pod> stream_pods(const Observed& seen);
std::vector<Pod> copy_pods(const Observed& seen);

// What looks, copies, follows or compares and is still about to end; empty when none of these can be alive.
std::string leftover(const Observed& seen);
// Whether one may be at work.
bool engine_may_live(const Observed& seen);
void end_jobs(const Observed& seen, Decision& next);
void end_releases(const Observed& seen, Decision& next);
void end_verifications(const Observed& seen, Decision& next);
void end_deployment(const Observed& seen, Decision& next);

// What is complete keeps no pod but of a comparison: not for what runs beside the engine, and not because a Job, whose
// pod was lost before it was counted, has started another. A failed engine's pod stays for its log until the next
// attempt.
void end_pods(const Observed& seen, Decision& next);

// A pod that waits for its ConfigMap would wait forever if that were deleted.
void look_after_config(const Observed& seen, const std::vector<Pod>& pods, kube::Object config_map, Decision& next);

bool same_credentials(std::vector<v1alpha1::CredentialVersion> a, std::vector<v1alpha1::CredentialVersion> b);
// When the waiting for a Secret that is missing ceases to be usual.
WallTime secrets_overdue_at(const Observed& seen, const v1alpha1::Status& status);
// The Secret watch wakes us; the recheck is for the moment when patience ends.
void await_secrets(const Observed& seen, Decision& next);

// The highest number of a Job that is known.
int last_attempt(const Observed& seen, const v1alpha1::Status& status);
// Of the engine that follows, or goes beside the one that does.
int stream_attempt(const v1alpha1::Status& status);

}  // namespace tributary::replication
