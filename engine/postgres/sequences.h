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

// In the order of `names`. Fault::missing, naming it, when one is gone.
Result<std::vector<pipeline::SequenceValue>> read_sequences(Connection& source, std::span<const model::Name> names,
                                                            const Until& until);

Result<void> set_sequences(Connection& target, std::span<const pipeline::SequenceValue> values, const Until& until);

}  // namespace tributary::postgres
