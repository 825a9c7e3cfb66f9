#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "operator/kube/event.h"
#include "operator/replication/observed.h"

// What to do next. Pure: the same observation gives the same decision, and repeating it does no harm.
namespace tributary::replication {

struct AddFinalizer {};
struct RemoveFinalizer {
  bool orphans = false;  // what the source or the target holds was to go first, and is left
};
struct ApplyConfigMap {
  kube::Object object;
};
// Only where there is none of its name: a pod reads what its Job was made with.
struct RestoreConfigMap {
  kube::Object object;
};
struct CreateJob {
  kube::Object object;
};
// The Job, its pods first, and the ConfigMap of the same name.
struct DeleteJob {
  std::string name;
  std::string uid;
};
struct ApplyDeployment {
  kube::Object object;
};
// The Deployment, its pods first, and the ConfigMap of the same name.
struct DeleteDeployment {
  std::string name;
  std::string uid;
};
// Of the engine in this pod. `first`: no answer of an earlier stream counts.
struct OrderRelease {
  std::string pod_ip;
  bool forget = false;
  bool first = false;
};
struct Announce {
  kube::EventNote note;
  bool of_namespace = false;  // about the namespace, in one that stays: ours takes no Events any more
};
using Action = std::variant<AddFinalizer, RemoveFinalizer, ApplyConfigMap, RestoreConfigMap, CreateJob, DeleteJob,
                            ApplyDeployment, DeleteDeployment, OrderRelease, Announce>;

struct Decision {
  std::vector<Action> actions = {};
  v1alpha1::Status status = {};
  std::optional<Milliseconds> recheck = {};  // nothing: when something changes
  bool doubtful = false;  // an end without the engine's report, or one taken back; or a Job before the one in status
};

// Deletion comes before everything else, then flaws of the spec, then the Job that exists, then what has to begin, and
// the comparison of both ends at last.
Decision decide(const Observed& seen);

// Whether a decision does what cannot be taken back, or rests on something not being there: a cache must not be trusted
// with that. Objects, Jobs and pods come by watches of their own: a Job may be seen to end before its pod, and a new
// Job before the change of the spec that it was made for.
bool wants_a_live_look(const Decision& decision);
// Whether it begins the life of an object that nobody has worked on, as far as was seen. Nothing is made for an object
// before it has its finalizer, and adding that, which comes first, fails with `conflict` where the object is not as it
// was seen: then a cache can be trusted. A live look waits for the API server's own caches, for a tenth of a second and
// longer; where another object would write the same tables that time is taken, in which is seen whether that one has
// begun.
bool begins_untouched(const Observed& seen, const Decision& decision);

// The status when actions failed: with an error that only a person can lift, and with any error on the first visit, for
// an object without conditions counts as settled. Nothing for other errors that pass.
std::optional<v1alpha1::Status> with_fault(v1alpha1::Status status, const Error& error, WallTime now);

}  // namespace tributary::replication
