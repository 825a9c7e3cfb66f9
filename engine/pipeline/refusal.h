#pragma once

#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"

// What the checks before a snapshot found against it.
namespace tributary::pipeline {

// The first finding that forbids it; nullptr when there is none. Points into `findings`.
inline const api::Finding* first_error(const std::vector<api::Finding>& findings) {
  for (const api::Finding& finding : findings)
    if (finding.severity == api::Severity::error) return &finding;
  return nullptr;
}

// Nothing but a person's change helps: Fault::invalid.
inline Error refusal(const api::Finding& finding) {
  return {Fault::invalid, finding.subject + ": " + finding.message, finding.hint};
}

}  // namespace tributary::pipeline
