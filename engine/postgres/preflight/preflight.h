#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

// `validate`, and what `init` does before anything else: look at both ends, change nothing, and say everything that
// stands in the way at once.
namespace tributary::postgres {

struct DatabaseEstimate {
  std::string database;
  std::string target;             // its name on the target
  std::uint64_t tables = 0;       // selected, leaf partitions counted one by one
  std::uint64_t bytes = 0;        // of the selected tables with TOAST, without indexes
  std::uint64_t total_bytes = 0;  // of the whole database on the source, 0 where the role may not ask
  Seconds duration{0};            // pipeline::estimated_time() of the snapshot
};

struct Validation {
  std::vector<api::Finding> findings;       // errors first, then warnings, then what is fine
  std::vector<DatabaseEstimate> databases;  // by name
  int streams = 1;                          // copy streams, as many as are wanted and both ends have room for

  bool passed() const;  // no finding is an error
};

// Fails only when it was stopped or ran out of time. All that is wrong with either end, with the selection or with this
// machine is a finding, and what is wrong with one end hides nothing about the other.
Result<Validation> validate(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres
