#pragma once

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

namespace tributary::postgres {

// After a copy with a stream that has failed and that nobody promises to go on with: the source keeps nothing for it,
// whichever attempt made it, in none of the selected databases; and a target database that was made for it goes where
// nothing came into it. What is complete or another engine is at work on stays. All databases are tried; the Error is
// the first one's.
Result<void> drop_leftovers(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres
