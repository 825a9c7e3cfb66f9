#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/kube/meter.h"
#include "operator/kube/queue.h"

namespace tributary::kube {

// When a reconciled key wants to be looked at again without being asked; nothing: when something changes.
struct Requeue {
  std::optional<Milliseconds> after = {};
};

using Reconcile = std::function<Result<Requeue>(const Key&, std::stop_token)>;

// What a reconcile's outcome means for its key; the only retry policy of the operator.
enum class Next {
  forget,    // success: wait for a change
  again,     // success with Requeue::after
  back_off,  // any error: what the server refuses today, a policy or an older CRD, it may take tomorrow unasked
};
Next next_for(const Result<Requeue>& outcome);

// A key that a worker is at.
struct InHand {
  Key key;
  SteadyTime since;
};

// Threads that take keys from the queue and reconcile them, one worker per key. Exceptions of `reconcile` are caught,
// logged and backed off. Each line that is logged meanwhile names the key and the pass: `<name>=space/name
// reconcileID=...`. Queue and meter outlive the workers; destruction stops and joins them.
class Workers {
 public:
  Workers(std::string name, Queue& queue, Reconcile reconcile, int threads, Meter& meter = no_meter());
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Asks the workers to finish the key in hand and end, and waits for them. A reconcile sees it in its stop_token.
  void stop();
  // Thread-safe.
  std::vector<InHand> in_hand() const;

 private:
  void work(std::stop_token stop);
  void serve(const Key& key, std::stop_token stop);
  PassEnd pass(const Key& key, std::stop_token stop);

  const std::string name_;
  Queue& queue_;
  const Reconcile reconcile_;
  Meter& meter_;
  mutable std::mutex mutex_;
  std::map<Key, SteadyTime> in_hand_;  // since when
  std::vector<std::jthread> threads_;
};

}  // namespace tributary::kube
