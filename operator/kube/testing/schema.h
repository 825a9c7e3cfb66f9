#pragma once

#include "operator/kube/object.h"

namespace tributary::kube::testing {

// Removes from an object what the structural schema of its CRD does not know; a null schema knows everything.
void prune(const Json& schema, Json& object);

}  // namespace tributary::kube::testing
