#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/verification.h"
#include "engine/base/clock.h"
#include "engine/postgres/moment/moment.h"
#include "engine/postgres/structure/sequence_standing.h"
#include "engine/postgres/verify/comparison.h"

// What is compared beside rows: the schema, and sequences.
namespace tributary::postgres::verify {

// Of these tables, or of the whole database.
Result<std::vector<api::ObjectDifference>> compare_structure(const ComparisonOptions& options,
                                                             const std::vector<model::Name>& tables,
                                                             const Until& until);

// Sequences of the target that are behind those of the source. Where a stream carries them now and then, it is given
// the time to: what it has carried is held against what the source had given out at the beginning.
class SequenceComparison {
 public:
  SequenceComparison(const ComparisonOptions& options, std::vector<model::Name> tables)
      : options_(options), tables_(std::move(tables)) {}
  Result<void> begin(const Until& until);
  Result<std::vector<api::ObjectDifference>> finish(const Until& until);

 private:
  Result<std::vector<structure::SequenceDifference>> look(const Until& until);

  const ComparisonOptions& options_;
  const std::vector<model::Name> tables_;
  std::optional<Sessions> sessions_;  // while they are good
  std::vector<structure::SequenceDifference> behind_;
};

}  // namespace tributary::postgres::verify
