#pragma once

#include <string_view>

#include "engine/base/result.h"

namespace tributary::api {

// Exit codes of the engine; the operator's podFailurePolicy and every script rely on them.
enum class ExitCode {
  done = 0,
  failed = 1,             // a retry may help
  bad_configuration = 2,  // a retry is pointless until a person changes something
  differences = 3,        // a comparison was completed and found differences
  lost_position = 4,      // a new snapshot is needed
  fenced = 5,             // another engine owns this replication
};

ExitCode exit_code_of(Fault fault);

// Whether an engine that copies got past the checks that come first: before that it makes nothing at either end, and
// after it the source may hold a slot and a publication of its. Unknown: it does not copy, or is of a version that did
// not say.
enum class Checks { unknown, not_passed, passed };

// Whether a report's reason or a finding's code means that a server could not be reached, or
// its database not be had alone, for now.
bool is_outage(std::string_view reason);

// Whether the same engine, started again later, may well succeed with nothing changed by anybody: after an outage, or
// when the lock's holder, such as a session of a node that was lost, is gone.
bool may_pass(ExitCode exit_code, std::string_view reason);

}  // namespace tributary::api
