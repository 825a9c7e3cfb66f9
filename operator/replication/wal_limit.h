#pragma once

#include "engine/api/progress.h"
#include "operator/replication/observed.h"

// How much of its log the source may keep for a copy or a stream, from the slot's creation to its release, and what
// becomes of these when it keeps more. All pure.
namespace tributary::replication {

// Sets the condition WALLimitExceeded by what an engine says that knows. Where none does, what exceeded the limit
// stands, and whether the rest is within it is Unknown. It is not there without a limit, nor for what was given back.
void judge_retained_wal(const Observed& seen, v1alpha1::Status& status);

// Whether the source is to be saved at the cost of copy or stream; until another snapshot is asked for.
bool gives_up_for_wal(const v1alpha1::Replication& object, const v1alpha1::Status& status);

// Adds what the source keeps to a message, where that is more than it may and the message does not say so.
void add_wal_warning(const v1alpha1::Status& status, std::string& message);

}  // namespace tributary::replication
