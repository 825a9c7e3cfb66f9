#pragma once

#include <optional>

#include "operator/api/conditions.h"
#include "operator/replication/observed.h"

namespace tributary::replication {

// What keeps an active Job from working, seen from its pods and Events: no image, no node, no quota, a failed attempt
// about to be repeated. Nothing when its engine runs. `before` is the status so far: a reason that alternates between
// two kubelet words stays one. Lasting for ten minutes, a trouble is `stalled`: a person has to look.
std::optional<v1alpha1::Verdict> trouble_of(const Job& job, const std::vector<Pod>& pods, const Observed& seen);

// The same for a stream's Deployment; an engine that has ended and is started again is a trouble too.
std::optional<v1alpha1::Verdict> trouble_of(const Deployment& deployment, const std::vector<Pod>& pods,
                                            const Observed& seen);

// How the engine of a running pod ended before, until it has lived for half a minute since: it may end so again.
std::optional<v1alpha1::Verdict> end_before(const Pod& pod, const Observed& seen);

// Whether no engine of these pods ever ran, so that replacing its Job loses nothing.
bool never_started(const Job& job, const std::vector<Pod>& pods);

}  // namespace tributary::replication
