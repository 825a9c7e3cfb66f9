#pragma once

#include <functional>
#include <string>

#include "engine/api/spec.h"
#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"

// Source and target compared, down to the row: what `tributary verify` does.
namespace tributary::postgres::verify {

struct Flags {
  bool show_values = false;
  bool restart = false;  // forgets what a comparison that was killed has found
};

// Takes one statement that would mend the target; one at a time, in any thread.
using Repair = std::function<Result<void>(const std::string& database, const std::string& statement)>;

// Compares all that the spec selects, in all databases. `repair` may be null. Only an end that could not be asked at
// all is an Error.
Result<api::Verification> verify(const api::Spec& spec, const Flags& flags, pipeline::ProgressBoard& board,
                                 const Repair& repair, const Until& until);

}  // namespace tributary::postgres::verify
