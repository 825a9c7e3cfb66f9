#pragma once

#include "operator/replication/decide.h"

namespace tributary::replication {

// The first way of giving back what a stream holds, or the copy of an object that is being deleted: its own engine does
// it, which has both ends open. True while that is to be waited for; false where nobody can do it, where it takes too
// long, and once it is done, which status.release says then. `forget`: with what the target remembers. Pure.
bool ask_engine(const Observed& seen, Decision& next, v1alpha1::Phase phase, bool forget);

// Whether an engine was asked and nobody knows what became of it.
bool engine_was_asked(const v1alpha1::Status& status);

}  // namespace tributary::replication
