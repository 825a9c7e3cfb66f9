#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/base/until.h"
#include "operator/kube/fence.h"
#include "operator/kube/lease_state.h"
#include "operator/kube/transport.h"

namespace tributary::kube {

struct LeaseOptions {
  Key name;              // of the Lease object
  std::string identity;  // of this process and no other, ever: see lease_identity()
  leasing::Terms terms = {};
  // Called on the lease's thread at each look at who leads, where nothing could be written at once.
  std::function<void()> looked = {};
  // Called once, on the lease's thread, when the leadership is lost. The process is to end at once and without any
  // goodbye: somebody else may lead by now.
  std::function<void(const Error&)> lost = {};
};

// "<pod>_<16 hexadecimal digits>": two processes of one pod, one after the other, are different holders.
std::string lease_identity(const std::string& pod);

// Stands for the lease, renews it and hands it over: lease_state.h with a thread and an API server. The fence is open
// while this process leads. The transport is not the fenced one; both outlive the lease. Destruction ends the thread
// and leaves the lease to expire.
class Lease {
 public:
  Lease(Transport& transport, Fence& fence, LeaseOptions options);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // Stands for it from now on; done when this process leads. `cancelled` when stopped first.
  Result<void> wait_to_lead(std::stop_token stop);

  // A clean end, after the workers' own: closes the fence, waits for changes on their way, and gives the lease back, so
  // that another need not wait for it to expire. Where that takes too long, it expires. Who does not lead just ends the
  // thread.
  void hand_over(Until until);

  // What a watchdog should end this process for: it still counts as the leader long after its lease was another's.
  // Nothing when all is well. Thread-safe, and never waits for the API server.
  std::optional<std::string> complaint(SteadyTime now) const;

  bool leads() const;  // thread-safe

 private:
  void run(const std::stop_token& stop);
  void ask(const leasing::Move& move, Until until);
  leasing::Answer look(Until until);
  leasing::Answer write(const leasing::Claim& claim, Until until);
  leasing::Answer written_in(const Result<Response>& answer);
  void take_note(SteadyTime now);
  void resign(const std::string& why);
  void give_back(Until until);

  Transport& transport_;
  Fence& fence_;
  const LeaseOptions options_;
  leasing::LeaseState state_;
  Object seen_;         // the whole Lease as seen last; a JSON null before
  std::string holder_;  // as told last
  std::string trouble_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<SteadyTime> renewed_;
  bool lost_ = false;
  std::jthread thread_;
};

}  // namespace tributary::kube
