#pragma once

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/base/backoff.h"
#include "engine/base/until.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/servers.h"

// One snapshot from beginning to end, over all selected databases.
namespace tributary::pipeline {

// Copies what `spec` selects. Blocks until it is done, failed or `until` ends it; never throws, always reports: a
// failure is a Report with its exit code, reason, message and hint. Success is said only after every database's
// ledger holds every selected table with the counts of both ends equal. Transient faults are retried (Phase::waiting
// shows the error): two minutes, or where the spec names a replication as long as a stall may last. The fifth attempt
// in a row at a database that breaks after something moved, without having finished more tables than any before it, is
// the last and ends as Fault::failed: what comes back each time does not pass. The board is written by this call and
// its threads only; it tells what the source keeps for a slot from its making to its end, between two attempts too.
// `pauses` lie between two tries, `look_every` between two looks at a slot.
api::Report run_snapshot(const api::Spec& spec, Servers& servers, ProgressBoard& board, const Until& until,
                         const Backoff::Limits& pauses = {}, Milliseconds look_every = Milliseconds{10'000});

}  // namespace tributary::pipeline
