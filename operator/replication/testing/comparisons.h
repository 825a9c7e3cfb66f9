#pragma once

#include <string>

#include "operator/replication/testing/decisions.h"

// Scenes of a Replication whose both ends are compared.
namespace tributary::replication::testing {

// A Replication of this mode whose copy is complete and recorded, and whose stream follows where it has one;
// `spec.verify` was there from the beginning. The comparison that its copy asks for has not begun.
Observed comparable(v1alpha1::Mode mode, const v1alpha1::VerifySpec& spec);
// The same with a Job for this request, whose engine is as given.
Observed comparing(v1alpha1::Mode mode, Container engine);
// With the newest such Job's engine ended so, Job and pod, and that recorded.
Observed compared(Observed seen, int exit_code, const std::string& termination_message);

api::Verification equal();
// Row id=7 of table load of database shop differs in n, and id=8 is missing.
api::Verification different();
api::Verification not_compared();
// The termination message of an engine that found this.
std::string found(const api::Verification& verification, const std::string& of = uid);

}  // namespace tributary::replication::testing
