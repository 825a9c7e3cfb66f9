#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/client/connection.h"

// Values of sequences. They are not transactional: what is read is at or after the snapshot, never before it, so a
// value that a copied row used is never given out again.
namespace tributary::postgres {

struct Sequence {
  std::uint32_t id = 0;  // the source's own (an OID)
  model::Name name;
};

// In the order of `sequences`. Fault::transient where one is gone, or another one has its name: another snapshot knows
// better.
Result<std::vector<pipeline::SequenceValue>> read_sequences(Connection& source, std::span<const Sequence> sequences,
                                                            const Until& until);

// Of these values those that a database with objects of its own may be given: of sequences that the replication `key`
// made, and of those that feed a column of a table that it copied. Any other was there before and counts on.
Result<std::vector<pipeline::SequenceValue>> fed_sequences(Connection& target, const std::string& key,
                                                           std::span<const pipeline::SequenceValue> values,
                                                           const Until& until);

Result<void> set_sequences(Connection& target, std::span<const pipeline::SequenceValue> values, const Until& until);

}  // namespace tributary::postgres
