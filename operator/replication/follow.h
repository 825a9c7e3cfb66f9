#pragma once

#include "operator/replication/decide.h"

namespace tributary::replication {

// What a stream needs once its snapshot is complete, or from the beginning where it has none: the Deployment that
// follows the source or, while paused, only watches its slots; when stopped, the release of these. Pure.
void follow(const Observed& seen, Decision& next);

}  // namespace tributary::replication
