#pragma once

#include <memory>
#include <vector>

#include "operator/kube/event.h"
#include "operator/kube/worker.h"
#include "operator/replication/decide.h"
#include "operator/replication/observe.h"

namespace tributary::replication {

// One pass: key in, observe, decide, act, publish once. Thread-safe; the queue sees to it that no key is with two
// threads. Scopes, client, listener and events outlive it.
class Reconciler {
 public:
  Reconciler(const std::vector<std::unique_ptr<Scope>>& scopes, Means means, kube::Events& events)
      : scopes_(scopes), means_(std::move(means)), events_(events) {}

  Result<kube::Requeue> operator()(const kube::Key& key, std::stop_token stop) const;

 private:
  const Scope* scope_of(const kube::Key& key) const;
  Result<kube::Requeue> carry_out(const Sight& sight, const Decision& next) const;
  Result<void> publish_and_tell(const Sight& sight, const std::string& version, const v1alpha1::Status& status) const;

  const std::vector<std::unique_ptr<Scope>>& scopes_;
  const Means means_;
  kube::Events& events_;
};

}  // namespace tributary::replication
