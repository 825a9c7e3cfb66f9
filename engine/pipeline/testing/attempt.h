#pragma once

#include <string>

#include "engine/api/report.h"
#include "engine/base/until.h"
#include "engine/pipeline/testing/world.h"

namespace tributary::pipeline::testing {

// A session of its own over the world's servers, of a declared replication, or by hand where that is "". It rests
// nowhere.
api::Report attempt(World& world, const Until& until = {}, const std::string& replication = "a-uid");

}  // namespace tributary::pipeline::testing
