#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"

// What the checks before a snapshot found against it.
namespace tributary::pipeline {

// A server that cannot be reached now may be reachable later, and a lock may be gone; every other error waits for a
// person.
inline bool may_pass(const api::Finding& finding) {
  return api::is_outage(finding.code);
}

// The finding that speaks for all that forbid a snapshot: the first, but one that may pass only when no other is there.
// nullptr when there is none. Points into `findings`.
inline const api::Finding* first_error(const std::vector<api::Finding>& findings) {
  const api::Finding* passing = nullptr;
  for (const api::Finding& finding : findings) {
    if (finding.severity != api::Severity::error) continue;
    if (!may_pass(finding)) return &finding;
    if (passing == nullptr) passing = &finding;
  }
  return passing;
}

// Fault::transient where a retry may help, else Fault::invalid: nothing but a person's change helps.
inline Error refusal(const api::Finding& finding) {
  return {may_pass(finding) ? Fault::transient : Fault::invalid, finding.subject + ": " + finding.message,
          finding.hint};
}

}  // namespace tributary::pipeline
