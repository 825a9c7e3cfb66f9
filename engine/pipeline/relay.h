#pragma once

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/plan.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"

namespace tributary::pipeline {

// Carries one batch from the source to the target as one transaction. Memory is bounded by one row and what the two
// connections buffer. Fails unless both ends counted the same rows in every part.
Result<void> relay(SourceReader& reader, TargetWriter& writer, const Batch& batch,
                   const std::vector<model::Table>& tables, const std::vector<TableMeter*>& meters,
                   ProgressBoard& board, const Until& until);

}  // namespace tributary::pipeline
