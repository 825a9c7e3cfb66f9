#pragma once

#include <string>

#include "operator/kube/queue.h"
#include "operator/kube/store.h"
#include "operator/kube/transport.h"
#include "operator/kube/watch.h"

namespace tributary::replication {

// The resource that the operator is about.
const kube::Resource& replications();

// Keeps what the operator looks at equal to the server, in one namespace or in all, and queues the Replication that a
// change is about. Secrets come as metadata alone: no value of one ever enters this process. Threads: one per watch.
// Transport and queue outlive it.
class Scope {
 public:
  // `space` is a namespace; empty: all of them.
  Scope(kube::Transport& transport, std::string space, kube::Queue& queue);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  bool covers(const std::string& space) const { return space_.empty() || space_ == space; }
  // Whether all first lists are complete; false when the deadline passed or a stop was requested first.
  bool wait_synced(Deadline deadline, std::stop_token stop) const;
  bool synced() const;
  const std::string& space() const { return space_; }

  const kube::Store& objects() const { return objects_; }
  const kube::Store& jobs() const { return jobs_; }        // those with our UID label, by owner
  const kube::Store& pods() const { return pods_; }        // those with our UID label, indexed by it
  const kube::Store& secrets() const { return secrets_; }  // metadata

 private:
  kube::WatchOptions watching(const kube::Resource& resource, const std::string& labels = {}) const;

  const std::string space_;
  kube::Store objects_;
  kube::Store jobs_;
  kube::Store pods_;
  kube::Store secrets_;
  kube::Watch object_watch_;
  kube::Watch job_watch_;
  kube::Watch pod_watch_;
  kube::Watch secret_watch_;
};

}  // namespace tributary::replication
