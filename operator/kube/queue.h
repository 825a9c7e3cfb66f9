#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "operator/kube/agenda.h"

namespace tributary::kube {

// The agenda between threads: any number of producers and workers. take() blocks until a key is ready.
class Queue {
 public:
  explicit Queue(RetryLimits limits = {}) : agenda_(limits) {}

  void add(const Key& key, Priority priority = Priority::live);
  void add_after(const Key& key, Milliseconds delay, Priority priority = Priority::live);
  // After a failure: delayed by the key's own backoff and the bucket of all.
  void add_rate_limited(const Key& key);
  // After a success: the key's backoff starts over.
  void forget(const Key& key);

  // A key that no other worker has; nothing once a stop is requested. Each key taken is given back by done().
  std::optional<Key> take(std::stop_token stop);
  void done(const Key& key);

  std::size_t depth() const;  // keys ready to be taken

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Agenda agenda_;
};

}  // namespace tributary::kube
