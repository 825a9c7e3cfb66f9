#pragma once

#include "operator/replication/decide.h"

namespace tributary::replication {

// What a Replication that is being deleted needs next: its engines end, then the source gives back what a stream holds
// there, unless spec.deletion says otherwise, and what was copied goes from the target, where it says so; then the
// object goes. At spec.deletion.timeout it goes in any case, and an Event says what is left. Pure.
Decision tear_down(const Observed& seen);

// The same before the object itself is deleted, while its namespace is and has begun with the pods: an engine that
// still lives is the last that can give anything back. Pure.
Decision leave(const Observed& seen);

}  // namespace tributary::replication
