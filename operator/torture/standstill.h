#pragma once

#include <condition_variable>
#include <mutex>

#include "operator/kube/transport.h"

namespace tributary::torture {

// A process that stands still where that harms most: between the decision to send a change and its bytes. Its other
// threads stand still at their next request. Thread-safe.
class Gate {
 public:
  // Closes at the next change that is not of the lease, or when the lease was renewed a few times without one.
  void arm();
  void open();  // for good
  bool is_closed() const;
  // Waits while it is closed.
  void pass(const kube::Request& request);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int renewals_left_ = -1;  // before it closes; not armed below 0
  bool closed_ = false;
};

// The requests of a process with such a gate. Both outlive it.
class GatedTransport final : public kube::Transport {
 public:
  GatedTransport(kube::Transport& inner, Gate& gate) : inner_(inner), gate_(gate) {}

  Result<kube::Response> send(const kube::Request& request, Deadline deadline, std::stop_token stop) override;
  Result<kube::Opened> open(const kube::Request& request, const kube::StreamLimits& limits,
                            std::stop_token stop) override;
  std::string host() const override { return inner_.host(); }

 private:
  kube::Transport& inner_;
  Gate& gate_;
};

}  // namespace tributary::torture
