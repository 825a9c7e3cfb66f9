#pragma once

#include <optional>
#include <vector>

#include "engine/api/progress.h"
#include "operator/api/conditions.h"
#include "operator/kube/event.h"
#include "operator/replication/observed.h"
#include "operator/replication/outcome.h"

// From what was seen to what status says. All pure.
namespace tributary::replication {

// The run that the spec's mode is about; created when there was none.
v1alpha1::Run& run_of(v1alpha1::Status& status, v1alpha1::Mode mode);
const v1alpha1::Run* find_run(const v1alpha1::Status& status, v1alpha1::Mode mode);

// Whether the source may hold a slot of this copy, which is not complete. Operators that did not remember it made slots
// for streams alone.
bool may_hold_slot(const v1alpha1::Run& copy, v1alpha1::Mode mode);
// Whether it may hold one of the last copy, complete or not, or of one before it.
bool is_left(const v1alpha1::Status& status, v1alpha1::Mode mode);

// Whether the engine has got past its checks: from then on it may make a slot, and is at the copy.
bool checks_passed(const api::Progress& progress);
// Whether the target may hold what the last copy, complete or not, or one before it made.
bool is_filled(const v1alpha1::Status& status, v1alpha1::Mode mode);

// The status to go on from: the present generation, and every condition that the mode has, Unknown at first.
v1alpha1::Status opened(const Observed& seen);

// A new attempt begins: what was said of the last one goes.
void begin_run(v1alpha1::Status& status, v1alpha1::Mode mode, v1alpha1::Run run,
               std::vector<v1alpha1::CredentialVersion> credentials, WallTime now);

// The engine's progress: counters rounded to two digits, so that a status is not written for every row.
void set_progress(v1alpha1::Status& status, v1alpha1::Mode mode, const api::Progress& progress, WallTime now);
v1alpha1::Verdict verdict_of(const api::Progress& progress, const v1alpha1::Status& status, v1alpha1::Mode mode);

// When another attempt follows a failed run by itself: later after each further end, at most half an hour. Nothing for
// a run that waits for a person.
std::optional<WallTime> retry_time(const v1alpha1::Run& run);

// The end of a run.
void record(v1alpha1::Status& status, const Observed& seen, const Outcome& outcome);
// `outdated`: the spec asks for something else since.
v1alpha1::Verdict verdict_of_success(const v1alpha1::Status& status, v1alpha1::Mode mode, bool outdated);

// Which Secrets there are and which not.
void set_credentials(v1alpha1::Status& status, const Observed& seen);

// An Event when the reason of Ready changes, when what was being tried again has failed, when further tables stop, when
// spec.recopy is done, when a comparison of both ends has found something else than the one before, or a mismatch, when
// what the source holds cannot be given back, and when the source comes to keep more of its log than it may; nothing
// else is news.
std::vector<kube::EventNote> news(const v1alpha1::Status& before, const v1alpha1::Status& after);

// The largest number of two significant digits that is not above `number`.
std::uint64_t rounded(std::uint64_t number);

}  // namespace tributary::replication
