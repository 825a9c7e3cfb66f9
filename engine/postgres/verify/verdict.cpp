#include "engine/postgres/verify/verdict.h"

#include <algorithm>

namespace tributary::postgres::verify {

api::Comparison verdict_of(const api::Verification& found) {
  const auto is_behind = [](const api::ObjectDifference& each) { return each.kind == "sequence"; };
  if (found.tables_different > 0 || std::any_of(found.sequences.begin(), found.sequences.end(), is_behind))
    return api::Comparison::different;
  const bool is_whole = found.tables_not_compared == 0 && found.sequences.empty() && found.tables_compared > 0;
  return is_whole ? api::Comparison::equal : api::Comparison::not_compared;
}

}  // namespace tributary::postgres::verify
