#pragma once

#include <nlohmann/json.hpp>

#include "engine/api/progress.h"
#include "engine/base/words.h"

// What several documents hold. Private to engine/api.
namespace tributary::api {

extern const Words<Checks> checks_words;

nlohmann::ordered_json write_stream(const StreamProgress& stream);
nlohmann::ordered_json write_tables(const std::vector<TableStatus>& tables);

}  // namespace tributary::api
