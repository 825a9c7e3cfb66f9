#include "operator/torture/plan.h"

#include "operator/api/conditions.h"

namespace tributary::torture {
namespace {

using kube::Json;
using v1alpha1::Replication;

Json spec_of(const char* mode) {
  return {{"mode", mode},
          {"state", "Running"},
          {"source", {{"type", "PostgreSQL"}, {"secretRef", {{"name", "shop-source"}}}}},
          {"target", {{"secretRef", {{"name", "shop-target"}}}}},
          {"snapshot", {{"backoffLimit", 20}}},
          {"deletion", {{"timeout", "1h"}}},
          {"verify", {{"afterSnapshot", false}}}};
}

bool has(const Replication& object, const char* type, const char* reason) {
  const v1alpha1::Condition* found = v1alpha1::find_condition(object.status, type);
  return object.status.observed_generation == object.generation && found != nullptr && found->reason == reason;
}

std::function<bool(const Replication&)> ready(const char* reason) {
  return [reason](const Replication& object) { return has(object, "Ready", reason); };
}

bool is_copied_again(const Replication& object) {
  const auto& snapshot = object.status.snapshot;
  return snapshot && snapshot->request_id == "again" && snapshot->result == v1alpha1::RunResult::succeeded;
}

}  // namespace

const std::vector<Plan>& plans() {
  static const std::vector<Plan> all = [] {
    const Json again = {{"spec", {{"snapshot", {{"requestID", "again"}}}}}};
    const Json compare = {{"spec", {{"verify", {{"requestID", "now"}}}}}};
    const auto copied = ready("SnapshotComplete"), follows = ready("Following");
    const auto compared = [](const Replication& object) { return has(object, "Verified", "Verified"); };
    std::vector<Plan> made;
    made.push_back({"copy, copy again", spec_of("Snapshot"), again, false, copied,
                    [copied](const Replication& o) { return copied(o) && is_copied_again(o); }, 2});
    made.push_back({"copy, compare", spec_of("Snapshot"), compare, true, copied, compared});
    made.push_back({"follow, copy again", spec_of("SnapshotAndSync"), again, true, follows,
                    [follows](const Replication& o) { return follows(o) && is_copied_again(o); }, 2});
    made.push_back({"follow, compare", spec_of("SnapshotAndSync"), compare, false, follows, compared});
    made.push_back({"follow, pause",
                    spec_of("SnapshotAndSync"),
                    {{"spec", {{"state", "Paused"}}}},
                    true,
                    follows,
                    ready("Paused")});
    made.push_back({"follow, stop",
                    spec_of("SnapshotAndSync"),
                    {{"spec", {{"state", "Stopped"}}}},
                    false,
                    follows,
                    ready("Stopped")});
    made.push_back({"follow, stop by order",
                    spec_of("SnapshotAndSync"),
                    {{"spec", {{"state", "Stopped"}}}},
                    true,
                    follows,
                    ready("Stopped"),
                    1,
                    true});
    made.push_back({"follow, start otherwise",
                    spec_of("SnapshotAndSync"),
                    {{"spec", {{"template", {{"priorityClassName", "high"}}}}}},
                    false,
                    follows,
                    follows});
    return made;
  }();
  return all;
}

}  // namespace tributary::torture
