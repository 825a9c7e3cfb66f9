#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "operator/kube/event.h"
#include "operator/kube/fence.h"
#include "operator/kube/meter.h"
#include "operator/kube/worker.h"
#include "operator/replication/reconcile.h"

namespace tributary::replication {

struct ControllerOptions {
  std::vector<std::string> namespaces = {};  // empty: all
  SecretAccess secrets = {};
  std::string image = {};  // of the engine, where the object names none
  int workers = 8;
  AskEngine ask = ask_over_http();
  TellEngine tell = tell_over_http();
  kube::Key release_key = {};  // the Secret with the key of orders to release; no name: there are none
  std::function<WallTime()> clock = std::chrono::system_clock::now;
  kube::Meter* meter = &kube::no_meter();  // of queue and workers; outlives the controller
  kube::Fence* fence = nullptr;            // asked before an engine is told anything; the transport asks it by itself
  // How long what goes wrong is waited with, and how much faster `clock` goes than the machine's: tests hurry.
  kube::ClientOptions client = {};
  kube::WatchOptions watches = {};
  kube::RetryLimits retries = {};
  int haste = 1;
};

// The operator as a whole: watches, then workers once all caches are filled. Everything runs on threads of its own
// until stop() or destruction. The transport outlives it.
class Controller {
 public:
  Controller(kube::Transport& transport, ControllerOptions options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Waits for the caches; transient when they were not filled in time.
  Result<void> fill(Deadline deadline, std::stop_token stop);
  // Starts the workers, which look at everything first. From here on things are changed; not before the caches are
  // filled.
  Result<void> work(std::stop_token stop);
  // Both.
  Result<void> start(Deadline deadline, std::stop_token stop);
  // Whether the caches were filled, and stop() was not called. Thread-safe, like all that follow.
  bool ready() const { return ready_.load(); }
  // The caches that are not filled yet, in a line each: since when, and what went wrong last.
  std::vector<std::string> unfilled() const;
  // What only a restart helps: a worker that should long be through with a key. Nothing when all is well.
  std::optional<std::string> complaint(SteadyTime now) const;
  // For /metrics: what is in the queue and in hand, and `replication_*` in Prometheus' text format.
  kube::Queue::Figures queue_figures() const { return queue_.figures(); }
  std::vector<kube::InHand> in_hand() const;
  std::string metrics_text() const;
  // Lets each worker finish the key in hand, for up to 17 s, and Events that wait be sent, for up to 3 s.
  void stop();

 private:
  Result<void> learn_key(std::stop_token stop);
  void queue_everything();
  Result<kube::Requeue> reconcile(const kube::Key& key, std::stop_token stop) const;

  const ControllerOptions options_;
  kube::Transport& transport_;
  kube::Queue queue_;
  std::stop_source stop_;
  kube::Client client_;
  Listener listener_;
  Releaser releaser_;
  Refusals refusals_;
  kube::Events events_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  Reconciler reconciler_;
  std::unique_ptr<kube::Workers> workers_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> at_work_ = false;  // workers_ is there, and stays
};

}  // namespace tributary::replication
