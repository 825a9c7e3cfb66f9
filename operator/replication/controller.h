#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "operator/kube/event.h"
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
};

// The operator as a whole: watches, then workers once all caches are filled. Everything runs on threads of its own
// until stop() or destruction. The transport outlives it.
class Controller {
 public:
  Controller(kube::Transport& transport, ControllerOptions options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Waits for the caches and starts the workers; transient when they were not filled in time.
  Result<void> start(Deadline deadline, std::stop_token stop);
  // Whether workers run on caches that were filled. Thread-safe.
  bool ready() const { return ready_.load(); }
  // Lets each worker finish the key in hand.
  void stop();

 private:
  Result<void> learn_key();

  const ControllerOptions options_;
  kube::Queue queue_;
  std::stop_source stop_;
  kube::Client client_;
  Listener listener_;
  Releaser releaser_;
  kube::Events events_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  Reconciler reconciler_;
  std::unique_ptr<kube::Workers> workers_;
  std::atomic<bool> ready_ = false;
};

}  // namespace tributary::replication
