#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

namespace tributary::postgres::verify {

// What forbids a comparison before anything is compared: entries of the selection that name nothing, as `validate`
// tells them, and ends that are one database. What may not be asked for that is left to the comparison; an
// end that is away is an Error (Fault::transient).
Result<std::vector<api::Finding>> find_refusals(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres::verify
