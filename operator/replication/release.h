#pragma once

#include "operator/replication/decide.h"

// The Jobs that give back what a stream, or a copy that is not complete, holds on the source: slots, publications and,
// at the end, what the target remembers. One at a time and only while no engine lives. All pure.
namespace tributary::replication {

// Whether the source may hold something for this Replication.
bool may_hold_source(const Observed& seen, const v1alpha1::Status& status);
bool released(const v1alpha1::Status& status);
bool release_under_way(const Observed& seen, const v1alpha1::Status& status);

// The next step, tried again for as long as it takes; true when nothing is left to do. Concludes with `phase` before
// that. `forget`: with what the target remembers.
bool release(const Observed& seen, Decision& next, v1alpha1::Phase phase, bool forget);

// The whole way of what nobody goes on with: the engine gives it back or is ended, and then a Job does.
bool give_back(const Observed& seen, Decision& next);

}  // namespace tributary::replication
