#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/result.h"
#include "operator/api/spec.h"

// Private to operator/api.
namespace tributary::v1alpha1 {

Spec spec_from_json(const nlohmann::json& json, std::optional<Error>& flaw);

}  // namespace tributary::v1alpha1
