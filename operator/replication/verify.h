#pragma once

#include "operator/replication/decide.h"

// The Job that compares both ends, beside whatever copies or follows. Pure.
namespace tributary::replication {

// The next step, after all else was decided. One Job at a time; what asks for a comparison while one goes on waits for
// its end, but the times of spec.verify.schedule, which it stands for. One answers everything that has asked before it
// began. While the spec does not say Running there is none.
void verify(const Observed& seen, Decision& next);

}  // namespace tributary::replication
