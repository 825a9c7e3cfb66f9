#pragma once

#include <nlohmann/json.hpp>

#include "engine/api/progress.h"

// What several documents hold. Private to engine/api.
namespace tributary::api {

nlohmann::ordered_json write_stream(const StreamProgress& stream);
nlohmann::ordered_json write_tables(const std::vector<TableStatus>& tables);

}  // namespace tributary::api
