#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/kube/event.h"
#include "operator/kube/worker.h"
#include "operator/replication/decide.h"
#include "operator/replication/narrate.h"
#include "operator/replication/observe.h"

namespace tributary::replication {

// One pass: key in, observe, decide, act, publish once; at level debug the log has a line of each beat. Thread-safe;
// the queue sees to it that no key is with two threads. Scopes, client, listener and events outlive it.
class Reconciler {
 public:
  Reconciler(const std::vector<std::unique_ptr<Scope>>& scopes, Means means, kube::Events& events)
      : scopes_(scopes), means_(std::move(means)), events_(events) {}

  Result<kube::Requeue> operator()(const kube::Key& key, std::stop_token stop) const;
  // By namespace: Replications that went before what they held was gone. Thread-safe.
  std::map<std::string, std::uint64_t> orphaned() const;

 private:
  const Scope* scope_of(const kube::Key& key) const;
  void keep_memory_of(const kube::Key& key, const std::string& uid) const;
  Result<kube::Requeue> carry_out(const Sight& sight, const Decision& next, Lap lap) const;
  Result<kube::Requeue> let_go(const Sight& sight, const RemoveFinalizer& action) const;
  Result<void> publish_and_tell(const Sight& sight, const std::string& version, const v1alpha1::Status& status,
                                Lap& lap) const;

  const std::vector<std::unique_ptr<Scope>>& scopes_;
  const Means means_;
  kube::Events& events_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::uint64_t> orphaned_;
  mutable std::map<kube::Key, std::string> uids_;  // of what something may be remembered of
};

}  // namespace tributary::replication
