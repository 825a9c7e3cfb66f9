#pragma once

#include "engine/api/spec.h"
#include "engine/pipeline/selection.h"
#include "engine/pipeline/servers.h"
#include "engine/postgres/sync/claim.h"

namespace tributary::postgres::sync {

// What a spec says of one database's stream. Borrows the spec.
StreamOptions stream_options(const api::Spec& spec, const pipeline::Selection& selection,
                             const pipeline::DatabasePair& databases);

}  // namespace tributary::postgres::sync
