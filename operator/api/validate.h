#pragma once

#include <optional>

#include "engine/base/result.h"
#include "operator/api/replication.h"

namespace tributary::v1alpha1 {

// The first thing that makes a Replication impossible to carry out, with what to do about it. Most of it is refused by
// the CRD already; it is repeated here where an older CRD or none of its rules would let harm through.
std::optional<Error> flaw_of(const Replication& replication);

}  // namespace tributary::v1alpha1
