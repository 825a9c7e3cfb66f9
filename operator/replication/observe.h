#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/kube/client.h"
#include "operator/replication/listen.h"
#include "operator/replication/observed.h"
#include "operator/replication/refusals.h"
#include "operator/replication/releaser.h"
#include "operator/replication/scope.h"

namespace tributary::replication {

// What an observation is made with, besides the scope. All outlive the observer.
struct Means {
  const kube::Client& client;
  Listener& listener;
  Releaser& releaser;
  Refusals& refusals;
  std::string image;
  std::function<WallTime()> clock;
};

// One Replication as seen, and its JSON form, from which writes take name, version and finalizers.
struct Sight {
  kube::Object object;
  Observed seen;
};

// From the caches; no request but to the engine, for the Events of Jobs that have no pod, and for the namespace of a
// pod that is being ended.
std::optional<Sight> observe_cached(const Means& means, const Scope& scope, const kube::Key& key, std::stop_token stop);

// Object, Jobs, Deployment and pods from the server itself. Jobs are read before the object: a Job that was gone by
// then had been recorded in the status that is read after it. Where a namespace that is deleted has lost the right to
// list Jobs, the object alone, with what the caches have of the others.
Result<std::optional<Sight>> observe_live(const Means& means, const Scope& scope, const kube::Key& key,
                                          std::stop_token stop);

}  // namespace tributary::replication
