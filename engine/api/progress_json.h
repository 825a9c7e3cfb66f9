#pragma once

#include <nlohmann/json.hpp>

#include "engine/api/progress.h"

// What several documents hold. Private to engine/api.
namespace tributary::api {

nlohmann::ordered_json write_stream(const StreamProgress& stream);

}  // namespace tributary::api
