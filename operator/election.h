#pragma once

#include <memory>
#include <string>

#include "operator/flags.h"
#include "operator/kube/fence.h"
#include "operator/kube/lease.h"

namespace tributary {

// What stands between the operator and the API server where several operators run and one leads. The leader that loses
// its lease ends the process at once, with a failure and without a goodbye. The transport outlives it.
class Election {
 public:
  // Nothing without --leader-elect. `space` is the operator's own namespace.
  static std::unique_ptr<Election> of(const Flags& flags, const std::string& space, kube::Transport& transport);

  kube::Fence& fence() { return fence_; }
  kube::Transport& transport() { return transport_; }  // fenced
  kube::Lease& lease() { return lease_; }
  const kube::Lease& lease() const { return lease_; }

 private:
  Election(kube::Transport& transport, kube::LeaseOptions options);

  kube::Fence fence_;
  kube::FencedTransport transport_;
  kube::Lease lease_;
};

}  // namespace tributary
