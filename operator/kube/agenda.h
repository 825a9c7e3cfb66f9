#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "engine/base/clock.h"
#include "operator/kube/object.h"

namespace tributary::kube {

// What must be looked at, and when: the work queue without its lock and clock (kubernetes.md 2.7, after client-go's
// workqueue and controller-runtime's priority queue). A key is never with two workers, and no add is lost: one that
// comes while the key is being worked on is served afterwards. Live events go before initial ones, first in first
// out within a level; merging two adds of a key keeps the higher priority and the earlier time.
enum class Priority { initial = -100, live = 0 };

struct RetryLimits {
  Milliseconds item_first{5};  // the n-th failure of a key delays it 5 ms * 2^n
  Milliseconds item_cap{300'000};
  double bucket_rate = 10;    // retries per second of all keys together, beyond
  double bucket_burst = 100;  // this many at once
};

class Agenda {
 public:
  explicit Agenda(RetryLimits limits = {}) : limits_(limits), tokens_(limits.bucket_burst) {}

  void add(const Key& key, Priority priority, SteadyTime now);
  void add_after(const Key& key, Milliseconds delay, Priority priority, SteadyTime now);
  void add_rate_limited(const Key& key, SteadyTime now);
  void forget(const Key& key) { failures_.erase(key); }

  // The next key to work on, which stays with the caller until done(); nothing when none is ready.
  std::optional<Key> take(SteadyTime now);
  void done(const Key& key);

  // When the next delayed key becomes ready.
  std::optional<SteadyTime> next_due() const;
  std::size_t ready() const { return ready_.size(); }
  int failures(const Key& key) const;
  // Since when a key that was taken had been due.
  SteadyTime due_since(const Key& key) const;
  std::uint64_t added() const { return added_; }      // keys that became due, so far
  std::uint64_t retried() const { return retried_; }  // calls of add_rate_limited()

 private:
  // Position among the ready: higher priority first, then first come.
  struct Place {
    int rank = 0;  // the negated priority
    std::uint64_t ticket = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Due {
    Place place;
    SteadyTime since;
  };
  struct Waiting {
    SteadyTime at;
    Priority priority = Priority::live;
  };

  void promote(SteadyTime now);
  void enqueue(const Key& key, Priority priority, SteadyTime since);
  Milliseconds bucket_delay(SteadyTime now);

  RetryLimits limits_;
  std::uint64_t tickets_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t retried_ = 0;
  std::map<Key, Due> dirty_;  // to be worked on: in ready_ unless being processed
  std::map<Place, Key> ready_;
  std::map<Key, SteadyTime> processing_;      // since when each had been due
  std::map<Key, Waiting> waiting_;            // delayed
  std::set<std::pair<SteadyTime, Key>> due_;  // waiting_ by time
  std::map<Key, int> failures_;
  double tokens_;
  std::optional<SteadyTime> refilled_;
};

}  // namespace tributary::kube
