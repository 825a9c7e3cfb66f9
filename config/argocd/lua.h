#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/result.h"

// A script as Argo CD runs it: Lua 5.1 with the object as the global `obj`, and of the libraries no more than base,
// table, package and two functions of os.
namespace tributary::argocd {

// What the script returns. An error of the script is the result's.
Result<nlohmann::json> run(const std::string& script, const nlohmann::json& object);

}  // namespace tributary::argocd
