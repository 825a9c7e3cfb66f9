#pragma once

#include <string>

#include "operator/kube/object.h"

namespace tributary::kube::testing {

// Whether an object matches a label selector ("a=b,c!=d,e,!f,g in (h,i),j notin (k)") and a field selector
// ("metadata.name=x,status.phase!=y"). Empty selectors match everything.
bool matches(const Json& object, const std::string& labels, const std::string& fields);

}  // namespace tributary::kube::testing
