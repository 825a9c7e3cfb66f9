#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/api/report.h"

// Private to engine/api.
namespace tributary::api {

nlohmann::ordered_json write(const Finding& finding);
nlohmann::ordered_json write(const DatabaseReport& database);
nlohmann::ordered_json write(const Report& report);

// In one line; what is no UTF-8 is replaced.
std::string compact(const nlohmann::ordered_json& json);

}  // namespace tributary::api
