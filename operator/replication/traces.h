#pragma once

#include "operator/replication/decide.h"

// What the engines of a copy may have made on the source: status.snapshot remembers it from attempt to
// attempt, until it is given back or the copy is complete. An engine makes nothing there before its checks are passed,
// and the report of one that they end says so. All pure.
namespace tributary::replication {

// From how its engines ended, and from a Job being gone of which nobody saw how.
void remember_traces(const Observed& seen, Decision& next);

// Its Jobs are about to be ended: of those whose engine has never run, or was refused, nothing has to be found out.
void account_for_ended(const Observed& seen, v1alpha1::Status& status);

// Whether such an engine is alive.
bool copy_is_open(const Observed& seen);

}  // namespace tributary::replication
