#include "operator/kube/agenda.h"

#include <algorithm>
#include <cmath>

namespace tributary::kube {

void Agenda::enqueue(const Key& key, Priority priority, SteadyTime since) {
  const int rank = -static_cast<int>(priority);
  const auto [entry, fresh] = dirty_.try_emplace(key, Due{{rank, tickets_}, since});
  Place& place = entry->second.place;
  if (fresh) {
    ++tickets_;
    ++added_;
    if (!processing_.contains(key)) ready_.emplace(place, key);
    return;
  }
  if (place.rank <= rank) return;
  // A more urgent reason came while it waited: it moves up, behind those of the same level that came earlier.
  ready_.erase(place);
  place = Place{rank, tickets_++};
  if (!processing_.contains(key)) ready_.emplace(place, key);
}

void Agenda::add(const Key& key, Priority priority, SteadyTime now) {
  Priority most = priority;
  if (const auto waiting = waiting_.find(key); waiting != waiting_.end()) {
    most = std::max(most, waiting->second.priority);
    due_.erase({waiting->second.at, key});
    waiting_.erase(waiting);
  }
  enqueue(key, most, now);
}

void Agenda::add_after(const Key& key, Milliseconds delay, Priority priority, SteadyTime now) {
  if (delay <= Milliseconds(0)) return add(key, priority, now);
  if (dirty_.contains(key)) return enqueue(key, priority, now);  // sooner already; the priority may rise
  const auto [entry, fresh] = waiting_.try_emplace(key, Waiting{now + delay, priority});
  if (!fresh) {
    due_.erase({entry->second.at, key});
    entry->second.at = std::min(entry->second.at, now + delay);
    entry->second.priority = std::max(entry->second.priority, priority);
  }
  due_.emplace(entry->second.at, key);
}

void Agenda::add_rate_limited(const Key& key, SteadyTime now) {
  ++retried_;
  const int failures = failures_[key]++;
  const double grown = static_cast<double>(limits_.item_first.count()) * std::pow(2.0, std::min(failures, 40));
  const double capped = std::min(grown, static_cast<double>(limits_.item_cap.count()));
  const Milliseconds own(static_cast<Milliseconds::rep>(capped));
  add_after(key, std::max(own, bucket_delay(now)), Priority::live, now);
}

// A token bucket that may go into debt: whoever takes a token it has not waits until it would be there.
Milliseconds Agenda::bucket_delay(SteadyTime now) {
  if (refilled_) {
    const std::chrono::duration<double> since = now - *refilled_;
    tokens_ = std::min(limits_.bucket_burst, tokens_ + since.count() * limits_.bucket_rate);
  }
  refilled_ = now;
  tokens_ -= 1;
  if (tokens_ >= 0) return Milliseconds(0);
  return Milliseconds(static_cast<Milliseconds::rep>(-tokens_ / limits_.bucket_rate * 1000));
}

void Agenda::promote(SteadyTime now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto [since, key] = *due_.begin();
    due_.erase(due_.begin());
    const Priority priority = waiting_.at(key).priority;
    waiting_.erase(key);
    enqueue(key, priority, since);
  }
}

std::optional<Key> Agenda::take(SteadyTime now) {
  promote(now);
  if (ready_.empty()) return std::nullopt;
  const Key key = ready_.begin()->second;
  ready_.erase(ready_.begin());
  const auto dirty = dirty_.find(key);
  processing_[key] = dirty->second.since;
  dirty_.erase(dirty);
  return key;
}

void Agenda::done(const Key& key) {
  processing_.erase(key);
  if (const auto dirty = dirty_.find(key); dirty != dirty_.end()) {
    ready_.emplace(dirty->second.place, key);
  }
}

SteadyTime Agenda::due_since(const Key& key) const {
  const auto found = processing_.find(key);
  return found == processing_.end() ? SteadyTime() : found->second;
}

std::optional<SteadyTime> Agenda::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

int Agenda::failures(const Key& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

}  // namespace tributary::kube
