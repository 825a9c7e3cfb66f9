#pragma once

#include <string>

#include "engine/api/progress.h"
#include "operator/api/conditions.h"
#include "operator/replication/observed.h"

// From what the engine of a stream says to what status says. All pure.
namespace tributary::replication {

// Takes over what is worth a write. At once: whether the lag is known and within spec.sync.maxLag. At most every 15
// seconds: lag or retained log that differ by a quarter, and by more than a second or a segment of the log. Every
// minute: all of it, with positions and the time.
void set_stream(v1alpha1::Status& status, const api::Progress& progress, const v1alpha1::Spec& spec, WallTime now);

// Ready only while every database's stream follows with all its tables and none lags further behind than
// spec.sync.maxLag; numbers are those that set_stream() took over.
v1alpha1::Verdict verdict_of_stream(const api::Progress& progress, const v1alpha1::Status& status,
                                    const v1alpha1::Spec& spec);

// While the engine does not answer: what it said last stands for a minute.
v1alpha1::Verdict verdict_of_silence(const Observed& seen, v1alpha1::Status& status);

// `Synced` and what Ready says with it. What is not known is not shown.
void conclude_stream(v1alpha1::Status& status, const v1alpha1::Verdict& verdict, WallTime now);

// Of a stream, or of a copy under way: at most most_slots.
std::vector<std::string> slots_of(const api::Progress& progress);

// What a person has to run on the source where nobody else did, as far as it is known; at most 700 bytes.
std::string statements_by_hand(const v1alpha1::Status& status, const v1alpha1::Spec& spec);

}  // namespace tributary::replication
