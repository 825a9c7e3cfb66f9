#pragma once

#include "operator/replication/decide.h"

// A copy that is not complete and that nobody goes on with. What it may hold on the source is given back meanwhile, and
// why nobody goes on stays what Ready says. All pure.
namespace tributary::replication {

// The spec has a flaw: nothing is begun, and what runs goes on.
void stay_flawed(const Observed& seen, Decision& next);

// False where nothing is in the way of another attempt.
bool stay_idle(const Observed& seen, Decision& next);

// Another attempt follows the one that failed, when it is due.
void await_retry(const Observed& seen, Decision& next, WallTime due);

// The next step of a release that is under way; true when nothing is left to do.
bool go_on_releasing(const Observed& seen, Decision& next);

// Whether the last attempt failed and is the answer to all that is asked for now.
bool failed_and_nothing_changed(const Observed& seen, const v1alpha1::Status& status, const v1alpha1::Run* run);

void suspend(const Observed& seen, Decision& next);
void yield_to_rival(const Observed& seen, Decision& next);

}  // namespace tributary::replication
