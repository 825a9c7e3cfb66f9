#pragma once

#include <memory>
#include <string>

#include "operator/flags.h"
#include "operator/kube/fence.h"
#include "operator/kube/lease.h"
#include "operator/kube/metrics.h"

namespace tributary {

// What stands between the operator and the API server where several operators run and one leads. The leader that loses
// its lease ends the process at once, with a failure and without a goodbye. Tells the metrics whether it leads.
// Transport and metrics outlive it.
class Election {
 public:
  // Nothing without --leader-elect. `space` is the operator's own namespace.
  static std::unique_ptr<Election> of(const Flags& flags, const std::string& space, kube::Transport& transport,
                                      kube::Metrics& metrics);

  // Done when this process leads. `cancelled` when stopped first.
  Result<void> wait_to_lead(std::stop_token stop);
  // At a clean end, after the workers' own.
  void hand_over(Until until);

  kube::Fence& fence() { return fence_; }
  kube::Transport& transport() { return transport_; }  // fenced
  const kube::Lease& lease() const { return lease_; }

 private:
  Election(kube::Transport& transport, kube::Metrics& metrics, kube::LeaseOptions options);

  const std::string name_;  // of the Lease
  kube::Metrics& metrics_;
  kube::Fence fence_;
  kube::FencedTransport transport_;
  kube::Lease lease_;
};

}  // namespace tributary
