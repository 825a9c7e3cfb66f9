#pragma once

#include <memory>

#include "engine/api/spec.h"
#include "engine/base/clock.h"
#include "engine/pipeline/sync.h"

namespace tributary::postgres::sync {

// Both servers of a sync, as the spec names them.
// `look_every`: how often the source's tables are looked at.
std::unique_ptr<pipeline::SyncServers> make_sync_servers(const api::Spec& spec, Milliseconds look_every = Seconds{60});

}  // namespace tributary::postgres::sync
