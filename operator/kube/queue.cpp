#include "operator/kube/queue.h"

namespace tributary::kube {

void Queue::open() {
  const std::lock_guard lock(mutex_);
  takes_ = true;
}

void Queue::add(const Key& key, Priority priority) {
  const std::lock_guard lock(mutex_);
  if (!takes_) return;
  agenda_.add(key, priority, SteadyClock::now());
  changed_.notify_all();
}

void Queue::add_after(const Key& key, Milliseconds delay, Priority priority) {
  const std::lock_guard lock(mutex_);
  agenda_.add_after(key, delay, priority, SteadyClock::now());
  changed_.notify_all();
}

void Queue::add_rate_limited(const Key& key) {
  const std::lock_guard lock(mutex_);
  agenda_.add_rate_limited(key, SteadyClock::now());
  changed_.notify_all();
}

void Queue::forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  agenda_.forget(key);
}

std::optional<Key> Queue::take(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const SteadyTime now = SteadyClock::now();
    if (std::optional<Key> key = agenda_.take(now)) {
      meter_.key_taken(now - agenda_.due_since(*key));
      return key;
    }
    // Waking when anything changes: which key is next is the agenda's to say.
    bool woken = false;
    const auto wake = [&] { return std::exchange(woken, true); };
    if (const std::optional<SteadyTime> due = agenda_.next_due()) {
      changed_.wait_until(lock, stop, *due, wake);
    } else {
      changed_.wait(lock, stop, wake);
    }
  }
  return std::nullopt;
}

void Queue::done(const Key& key) {
  const std::lock_guard lock(mutex_);
  agenda_.done(key);
  changed_.notify_all();
}

Queue::Figures Queue::figures() const {
  const std::lock_guard lock(mutex_);
  return {agenda_.ready(), agenda_.added(), agenda_.retried()};
}

}  // namespace tributary::kube
