#pragma once

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

}  // namespace tributary::api
