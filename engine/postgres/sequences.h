#pragma once

#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/connection.h"

// Values of sequences. They are not transactional: what is read is at or after the snapshot, never before it, so a
// value that a copied row used is never given out again.
namespace tributary::postgres {

// In the order of `names`. Fault::transient, naming it, when one is gone: another snapshot knows nothing of it.
Result<std::vector<pipeline::SequenceValue>> read_sequences(Connection& source, std::span<const model::Name> names,
                                                            const Until& until);

// Of these values those that a database with objects of its own may be given: of sequences that the replication `key`
// made, and of those that feed a column of a table that it copied. Any other was there before and counts on.
Result<std::vector<pipeline::SequenceValue>> fed_sequences(Connection& target, const std::string& key,
                                                           std::span<const pipeline::SequenceValue> values,
                                                           const Until& until);

Result<void> set_sequences(Connection& target, std::span<const pipeline::SequenceValue> values, const Until& until);

}  // namespace tributary::postgres
