#include "operator/kube/store.h"

#include <algorithm>
#include <utility>

namespace tributary::kube {
namespace {

Seen unpacked(const Packed& state) {
  return std::make_shared<const Object>(state.object());
}

}  // namespace

bool Store::InOrder::operator()(const Link& one, const Link& other) const {
  return one.name != other.name ? one.name < other.name : *one.key < *other.key;
}

Seen Store::find(const Key& key) const {
  Packed state;
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return nullptr;
    state = found->second;
  }
  return unpacked(state);
}

std::vector<Key> Store::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys;
  keys.reserve(objects_.size());
  for (const auto& [key, state] : objects_) keys.push_back(key);
  return keys;
}

std::vector<Seen> Store::indexed(const std::string& name) const {
  std::vector<Packed> states;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = links_.equal_range(name);
    std::transform(first, last, std::back_inserter(states), [&](const Link& each) { return objects_.at(*each.key); });
  }
  std::vector<Seen> objects;
  std::transform(states.begin(), states.end(), std::back_inserter(objects), unpacked);
  return objects;
}

std::vector<Key> Store::indexed_keys(const std::string& name) const {
  std::vector<Key> keys;
  const std::lock_guard lock(mutex_);
  const auto [first, last] = links_.equal_range(name);
  std::transform(first, last, std::back_inserter(keys), [](const Link& each) { return *each.key; });
  return keys;
}

std::size_t Store::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

void Store::each(const std::function<void(const Object&)>& visit) const {
  std::vector<Packed> states;
  {
    const std::lock_guard lock(mutex_);
    states.reserve(objects_.size());
    for (const auto& [key, state] : objects_) states.push_back(state);
  }
  for (const Packed& state : states) visit(state.object());
}

bool Store::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

bool Store::wait_synced(Deadline deadline, std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  // Deadline::left() and not at(): time_point::max() overflows in wait_until.
  return synced_changed_.wait_for(lock, std::move(stop), deadline.left(), [&] { return synced_; });
}

void Store::mark_synced() {
  const std::lock_guard lock(mutex_);
  synced_ = true;
  synced_changed_.notify_all();
}

std::vector<std::string> Store::names_of(const Object& object) const {
  return index_names_ ? index_names_(object) : std::vector<std::string>();
}

std::vector<std::string> Store::names_of(const Packed& state) const {
  return index_names_ ? index_names_(state.object()) : std::vector<std::string>();
}

void Store::unlink(const Key& key, const Packed& state) {
  for (std::string& name : names_of(state)) links_.erase({std::move(name), &key});
}

Change Store::exchange(Key key, Packed after, std::vector<std::string> names) {
  const auto [place, fresh] = objects_.try_emplace(std::move(key));
  if (!fresh) unlink(place->first, place->second);
  place->second = std::move(after);
  for (std::string& name : names) links_.insert({std::move(name), &place->first});
  return {fresh ? Change::Kind::arrived : Change::Kind::changed, place->first, place->second};
}

Change Store::put(const Object& object) {
  Packed state(object);
  std::vector<std::string> names = names_of(object);
  const std::lock_guard lock(mutex_);
  return exchange(object.key(), std::move(state), std::move(names));
}

std::vector<Change> Store::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return {};
  unlink(found->first, found->second);
  Change change{Change::Kind::departed, key, std::move(found->second)};
  objects_.erase(found);
  return {std::move(change)};
}

std::vector<Change> Store::replace(Content content) {
  std::vector<Change> changes;
  const std::lock_guard lock(mutex_);
  for (auto have = objects_.begin(); have != objects_.end();) {
    if (content.contains(have->first)) {
      ++have;
      continue;
    }
    unlink(have->first, have->second);
    changes.push_back({Change::Kind::departed, have->first, std::move(have->second)});
    have = objects_.erase(have);
  }
  for (auto& [key, state] : content) {
    const auto have = objects_.find(key);
    if (have != objects_.end() && have->second == state) continue;
    std::vector<std::string> names = names_of(state);
    changes.push_back(exchange(key, std::move(state), std::move(names)));
  }
  return changes;
}

}  // namespace tributary::kube
