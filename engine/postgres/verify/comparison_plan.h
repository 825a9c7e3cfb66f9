#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/verify/comparison.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/kept_results.h"
#include "engine/postgres/verify/work.h"

namespace tributary::postgres::verify {

// What is compared, and in which ranges. A table that is not comparable has none.
struct ComparisonPlan {
  Dialect dialect;
  std::vector<Compared> tables;
  std::vector<Range> ranges;
};

Result<ComparisonPlan> make_plan(const ComparisonOptions& options, const Until& until);

// Gives tables the ranges that they had in a run that was ended before its end, and has the others' recorded. What is
// known of some of these is the result; nothing where it is known of all, for then nothing would be compared.
std::vector<KnownRange> take_up(KeptResults& kept, ComparisonPlan& plan, const Until& until);

// Tables that were defined anew since, and so are not what was compared.
Result<std::map<model::Name, std::string>> find_redefined(const ComparisonOptions& options, const ComparisonPlan& plan,
                                                          const Until& until);

// Every table of the source that the plan speaks of.
std::vector<model::Name> tables_of(const ComparisonPlan& plan);

}  // namespace tributary::postgres::verify
