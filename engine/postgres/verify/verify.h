#pragma once

#include <functional>
#include <string>

#include "engine/api/spec.h"
#include "engine/api/verification.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"
#include "engine/postgres/verify/repair.h"

// Source and target compared, down to the row: what `tributary verify` does.
namespace tributary::postgres::verify {

struct Flags {
  bool show_values = false;
  bool restart = false;  // takes nothing over from an attempt that was interrupted
};

// Where statements are to be run.
struct RepairPlace {
  std::string database;  // the target's name of it
  std::string encoding;  // as client_encoding knows it: that of the statements
  bool operator==(const RepairPlace&) const = default;
};

// Takes what would mend the target; one at a time, in any thread.
using Repair = std::function<Result<void>(const RepairPlace& place, const RepairStep& step)>;

// Compares all that the spec selects, in all databases. `repair` may be null. Only an end that could not be asked at
// all is an Error.
Result<api::Verification> verify(const api::Spec& spec, const Flags& flags, pipeline::ProgressBoard& board,
                                 const Repair& repair, const Until& until);

}  // namespace tributary::postgres::verify
