#pragma once

#include "operator/api/conditions.h"
#include "operator/replication/observed.h"

// The condition `SourceReleased`: how the giving back of what a Replication holds on its source fares. It is there from
// when that is wanted until another copy begins. All pure.
namespace tributary::replication {

// "what the copy holds on the source", or the stream.
std::string held_by(v1alpha1::Mode mode);

// What the Job of status.release does, and that it has not done it: "gives back what the stream holds on the source".
std::string errand_of(const Observed& seen, const v1alpha1::Status& status);
std::string undone_of(const Observed& seen, const v1alpha1::Status& status);

// Not yet: what Ready says, and Synced where there is a stream. Where it has failed, with what a person can run.
void conclude_release(const Observed& seen, v1alpha1::Status& status, const v1alpha1::Verdict& verdict);

// Nobody can, since the source's Secret is missing: the condition alone.
void tell_locked_out(const Observed& seen, v1alpha1::Status& status);

// It is done, by that Job; and by whomever.
void tell_done(const Observed& seen, v1alpha1::Status& status);
void tell_given_back(v1alpha1::Status& status, WallTime now);

// Whether it has failed or cannot be tried, and is not done since.
bool release_fails(const v1alpha1::Status& status);

}  // namespace tributary::replication
