#pragma once

#include <vector>

#include "operator/replication/decide.h"

// The Jobs that give back what a stream, or a copy that is not complete, holds on the source: slots, publications and,
// at the end, what the target remembers, and what was copied where spec.deletion says so. One at a time and only while
// no engine lives. All pure.
namespace tributary::replication {

// The finding of a Job about what it left on the target, and the Event about that.
inline constexpr const char* target_data_left = "TargetDataLeft";

// Whether the source may hold something for this Replication.
bool may_hold_source(const Observed& seen, const v1alpha1::Status& status);
bool released(const v1alpha1::Status& status);
// Whether the target may hold what this Replication has copied.
bool may_hold_target(const Observed& seen, const v1alpha1::Status& status);
bool release_under_way(const Observed& seen, const v1alpha1::Status& status);

// The next step, tried again for as long as it takes; true when nothing is left to do. Concludes with `phase` before
// that.
bool release(const Observed& seen, Decision& next, v1alpha1::Phase phase, Remains remains);

// What the last such Job has said of objects that it left on the target, once it has ended.
std::vector<api::Finding> left_on_target(const Observed& seen);

// The whole way of what nobody goes on with: the engine gives it back or is ended, and then a Job does.
bool give_back(const Observed& seen, Decision& next);

}  // namespace tributary::replication
