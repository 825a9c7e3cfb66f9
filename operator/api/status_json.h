#pragma once

#include <nlohmann/json.hpp>

#include "operator/api/status.h"

// Private to operator/api.
namespace tributary::v1alpha1 {

// Members that do not fit are left at their defaults: the next pass writes them anew.
Status status_from_json(const nlohmann::json& json);

}  // namespace tributary::v1alpha1
