#pragma once

#include <cstdint>
#include <functional>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/plan.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"

namespace tributary::pipeline {

// What of a part has gone by since it was told last: rows and bytes. An Error ends the part.
using Told = std::function<Result<void>(std::uint64_t rows, std::uint64_t bytes)>;

// Carries one part, into a transaction of the caller's. Fails unless both ends counted the same rows.
Result<PartCount> relay_part(SourceReader& reader, PartWriter& writer, const model::CopyPart& part,
                             const model::Table& table, const Told& told, const Until& until);

// Carries one batch from the source to the target as one transaction. Memory is bounded by one row and what the two
// connections buffer. Fails unless both ends counted the same rows in every part.
Result<void> relay(SourceReader& reader, TargetWriter& writer, const Batch& batch,
                   const std::vector<model::Table>& tables, const std::vector<TableMeter*>& meters,
                   ProgressBoard& board, const Until& until);

}  // namespace tributary::pipeline
