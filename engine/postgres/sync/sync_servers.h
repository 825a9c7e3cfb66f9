#pragma once

#include <memory>

#include "engine/api/spec.h"
#include "engine/pipeline/sync.h"

namespace tributary::postgres::sync {

// Both servers of a sync, as the spec names them.
std::unique_ptr<pipeline::SyncServers> make_sync_servers(const api::Spec& spec);

}  // namespace tributary::postgres::sync
