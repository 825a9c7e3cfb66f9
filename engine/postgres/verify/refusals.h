#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

namespace tributary::postgres::verify {

// What forbids a comparison before anything is compared: entries of the selection that name nothing, as `validate`
// tells them, and ends that are one database. What cannot be asked for that is left to the comparison.
Result<std::vector<api::Finding>> find_refusals(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres::verify
