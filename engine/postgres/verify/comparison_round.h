#pragma once

#include "engine/base/clock.h"
#include "engine/postgres/verify/comparison_plan.h"
#include "engine/postgres/verify/range_comparison.h"

namespace tributary::postgres::verify {

// Everything that is under way in one comparison of a database. Borrowed by all who take part in it.
struct UnderWay {
  const ComparisonOptions& options;
  const ComparisonPlan& plan;
  Work& work;
  KeptResults* kept;  // may be null
  pipeline::ProgressBoard& board;
};

// Compares ranges at one moment, in as many threads as sessions are allowed, until the moment is too old for more or
// nothing is left. A table that a server refuses is given up; a range whose session is lost is put back.
// Fault::transient where none of the threads came to an end.
Result<void> compare_ranges(const UnderWay& way, const moment::Moment& moment, const Until& until);

}  // namespace tributary::postgres::verify
