#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/kube/queue.h"
#include "operator/kube/store.h"
#include "operator/kube/transport.h"
#include "operator/kube/watch.h"

namespace tributary::replication {

// The resource that the operator is about.
const kube::Resource& replications();

// Which Secrets the operator may watch, as its RBAC rules say: all, those of some names, or none.
struct SecretAccess {
  bool granted = true;
  std::vector<std::string> names = {};  // empty: all
};

// Keeps what the operator looks at equal to the server, in one namespace or in all, and queues the Replication that a
// change is about. Secrets come as metadata alone: no value of a Secret of theirs ever enters this process. Threads:
// one per watch, and one per named Secret where only some may be watched. Transport and queue outlive it.
class Scope {
 public:
  // `space` is a namespace; empty: all of them. `manner`: how each watch is kept up; what it is of is the scope's to
  // say.
  Scope(kube::Transport& transport, std::string space, kube::Queue& queue, const SecretAccess& secrets = {},
        kube::WatchOptions manner = {});
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  bool covers(const std::string& space) const { return space_.empty() || space_ == space; }
  // Whether all first lists are complete; false when the deadline passed or a stop was requested first.
  bool wait_synced(Deadline deadline, std::stop_token stop) const;
  const std::string& space() const { return space_; }
  std::vector<const kube::Watch*> watches() const;

  // What is kept of each is what kept.h says.
  const kube::Store& objects() const { return objects_; }          // indexed by what they may share: see sharers()
  const kube::Store& jobs() const { return jobs_; }                // those with our UID label, indexed by their owner's
  const kube::Store& deployments() const { return deployments_; }  // likewise
  const kube::Store& pods() const { return pods_; }                // those with our UID label, indexed by it
  // Deployments of this image whose pods are not ready yet.
  std::size_t rolling(const std::string& image) const;
  // Replications of the same namespace that name the same Secret or target host as this one, itself among them.
  std::vector<kube::Seen> sharers(const kube::Object& object) const;
  bool watches_secret(const std::string& name) const;
  kube::Seen secret(const kube::Key& key) const;  // its identity; nothing when it does not exist or is not watched

 private:
  struct SecretFeed;

  using Keep = void (*)(kube::Object&);
  kube::WatchOptions watching(const kube::Resource& resource, Keep keep, const std::string& labels = {}) const;
  void watch_secrets(kube::Transport& transport, const std::string& name, kube::Queue& queue);
  const SecretFeed* feed_of(const std::string& name) const;

  const std::string space_;
  const kube::WatchOptions manner_;
  kube::Store objects_;
  kube::Store jobs_;
  kube::Store deployments_;
  kube::Store pods_;
  kube::Watch object_watch_;
  kube::Watch job_watch_;
  kube::Watch deployment_watch_;
  kube::Watch pod_watch_;
  std::vector<std::unique_ptr<SecretFeed>> secret_feeds_;
};

}  // namespace tributary::replication
