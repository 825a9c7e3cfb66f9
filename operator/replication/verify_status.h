#pragma once

#include <optional>
#include <string>

#include "operator/kube/event.h"
#include "operator/replication/observed.h"
#include "operator/replication/outcome.h"

// What a comparison of both ends found, as the status says it: status.verify, the condition Verified, and Ready where
// they differ. All pure.
namespace tributary::replication {

// Another snapshot begins, which nothing that was found is about.
void forget_comparison(v1alpha1::Status& status);
// The snapshot is complete.
void expect_comparison(v1alpha1::Status& status, const v1alpha1::VerifySpec& spec);

// A Job was begun and its end is not recorded.
bool is_open(const v1alpha1::VerifyStatus& verify);
// When another Job follows by itself one that failed of an outage or a crash.
std::optional<WallTime> retry_time(const v1alpha1::VerifyStatus& verify);

// The end of the Job whose pods are given.
void record_comparison(v1alpha1::VerifyStatus& verify, const Observed& seen, const Outcome& outcome,
                       const std::vector<Pod>& pods);

// The condition Verified. `doing`: what the comparison that goes on, or is due, does or waits for.
void tell_comparison(v1alpha1::Status& status, const v1alpha1::Spec& spec, const std::string& doing, WallTime now);

// Ready is what copy or stream make of it until a mismatch takes it over: the first says whether one has, the second
// gives back what Ready was without it, and the third takes it over, `before` being what was written last.
bool is_degraded(const v1alpha1::Status& status);
void lift_mismatch(v1alpha1::Status& status, v1alpha1::Mode mode);
void degrade(v1alpha1::Status& status, const v1alpha1::Spec& spec, const v1alpha1::Status& before, WallTime now);

// Of a comparison that has ended since `before`, where it found something else than the one before it, or a mismatch.
std::optional<kube::EventNote> news_of_comparison(const v1alpha1::Status& before, const v1alpha1::Status& after);

}  // namespace tributary::replication
