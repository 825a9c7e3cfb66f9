#pragma once

#include <optional>

#include "operator/kube/testing/wire.h"
#include "operator/kube/testing/world.h"

namespace tributary::kube::testing {

// What a request asks of the API; nothing where its path is none of it.
std::optional<Call> call_of(const HttpRequest& request);

// A header's value, "" where there is none; `name` in lower case.
std::string header_of(const HttpRequest& request, const char* name);

}  // namespace tributary::kube::testing
