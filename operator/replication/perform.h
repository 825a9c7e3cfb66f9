#pragma once

#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/event.h"
#include "operator/replication/decide.h"
#include "operator/replication/releaser.h"

namespace tributary::replication {

struct Performed {
  std::string version;  // resource version of the object after what was done
  Result<void> outcome;
};

// Carries out actions in order and stops at the first failure; each is idempotent, so a pass that was cut short is
// simply repeated.
Performed perform(const kube::Client& client, kube::Events& events, Releaser& releaser, const kube::Object& object,
                  const std::vector<Action>& actions);

// Writes the status, unless the object was changed since `version`, or is not found (conflict: look again).
Result<void> publish(const kube::Client& client, const kube::Object& object, const std::string& version,
                     const v1alpha1::Status& status);

}  // namespace tributary::replication
