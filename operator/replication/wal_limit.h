#pragma once

#include "engine/api/progress.h"
#include "operator/replication/observed.h"

// How much of its log the source may keep for a stream, from the slot's creation to its release, and what becomes of
// the stream when it keeps more. All pure.
namespace tributary::replication {

// Sets the condition WALLimitExceeded by what an engine says that knows; it stands as long as none does, and is not
// there without a limit.
void judge_retained_wal(const Observed& seen, v1alpha1::Status& status);

// Whether the source is to be saved at the cost of the stream; until another snapshot is asked for.
bool gives_up_for_wal(const v1alpha1::Replication& object, const v1alpha1::Status& status);

// Adds what the source keeps to a message, where that is more than it may and the message does not say so.
void add_wal_warning(const v1alpha1::Status& status, std::string& message);

}  // namespace tributary::replication
