#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "operator/kube/agenda.h"
#include "operator/kube/meter.h"

namespace tributary::kube {

// The agenda between threads: any number of producers and workers. take() blocks until a key is ready.
class Queue {
 public:
  // The meter outlives it. Until open() it takes nothing where `takes` says so: who stands by would fill it for nobody.
  explicit Queue(RetryLimits limits = {}, Meter& meter = no_meter(), bool takes = true)
      : meter_(meter), agenda_(limits), takes_(takes) {}

  void open();
  void add(const Key& key, Priority priority = Priority::live);
  void add_after(const Key& key, Milliseconds delay, Priority priority = Priority::live);
  // After a failure: delayed by the key's own backoff and the bucket of all.
  void add_rate_limited(const Key& key);
  // After a success: the key's backoff starts over.
  void forget(const Key& key);

  // A key that no other worker has; nothing once a stop is requested. Each key taken is given back by done().
  std::optional<Key> take(std::stop_token stop);
  void done(const Key& key);

  struct Figures {
    std::size_t depth = 0;      // keys ready to be taken
    std::uint64_t added = 0;    // keys that became due, so far
    std::uint64_t retried = 0;  // of them, after failures
  };
  Figures figures() const;

 private:
  Meter& meter_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Agenda agenda_;
  bool takes_;
};

}  // namespace tributary::kube
