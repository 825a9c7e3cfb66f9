#pragma once

#include <memory>

#include "engine/pipeline/drain.h"
#include "engine/pipeline/servers.h"
#include "engine/pipeline/testing/world.h"

namespace tributary::pipeline::testing {

// What is written to a source reaches the target: each table that is followed gets the rows of the last position that
// was given, which must be one of World::views.
std::unique_ptr<DrainEnds> open_fake_drain(World& world, const DatabasePair& databases);

}  // namespace tributary::pipeline::testing
