#include "operator/kube/store.h"

#include <utility>

namespace tributary::kube {
namespace {

bool same_version(const Object& left, const Object& right) {
  const std::string version = left.resource_version();
  return !version.empty() && version == right.resource_version() && left.uid() == right.uid();
}

}  // namespace

Seen Store::find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<Seen> Store::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Seen> objects;
  objects.reserve(objects_.size());
  for (const auto& [key, object] : objects_) objects.push_back(object);
  return objects;
}

std::vector<Seen> Store::owned_by(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  return lookup(by_owner_, uid);
}

std::vector<Seen> Store::indexed(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return lookup(by_name_, name);
}

std::vector<Seen> Store::lookup(const Index& index, const std::string& name) const {
  std::vector<Seen> objects;
  if (const auto found = index.find(name); found != index.end())
    for (const Key& key : found->second) objects.push_back(objects_.at(key));
  return objects;
}

std::size_t Store::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
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

void Store::link(const Key& key, const Object& object) {
  for (const OwnerReference& owner : object.owners()) by_owner_[owner.uid].insert(key);
  if (index_names_)
    for (const std::string& name : index_names_(object)) by_name_[name].insert(key);
}

void Store::unlink(const Key& key, const Object& object) {
  const auto drop = [&](Index& index, const std::string& name) {
    const auto found = index.find(name);
    if (found == index.end()) return;
    found->second.erase(key);
    if (found->second.empty()) index.erase(found);
  };
  for (const OwnerReference& owner : object.owners()) drop(by_owner_, owner.uid);
  if (index_names_)
    for (const std::string& name : index_names_(object)) drop(by_name_, name);
}

Change Store::exchange(const Key& key, Seen after) {
  Seen& place = objects_[key];
  Change change{std::exchange(place, std::move(after)), place};
  if (change.before) unlink(key, *change.before);
  link(key, *change.after);
  return change;
}

Change Store::put(Object object) {
  const Key key = object.key();
  Seen after = std::make_shared<const Object>(std::move(object));
  const std::lock_guard lock(mutex_);
  return exchange(key, std::move(after));
}

std::vector<Change> Store::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return {};
  Change change{found->second, nullptr};
  unlink(key, *found->second);
  objects_.erase(found);
  return {std::move(change)};
}

std::vector<Change> Store::replace(std::vector<Object> objects) {
  std::map<Key, Seen> fresh;
  for (Object& object : objects) {
    Key key = object.key();
    fresh[std::move(key)] = std::make_shared<const Object>(std::move(object));
  }
  std::vector<Change> changes;
  const std::lock_guard lock(mutex_);
  for (auto have = objects_.begin(); have != objects_.end();) {
    if (fresh.contains(have->first)) {
      ++have;
      continue;
    }
    unlink(have->first, *have->second);
    changes.push_back({have->second, nullptr});
    have = objects_.erase(have);
  }
  for (auto& [key, object] : fresh) {
    const auto have = objects_.find(key);
    if (have != objects_.end() && same_version(*have->second, *object)) continue;
    changes.push_back(exchange(key, std::move(object)));
  }
  return changes;
}

}  // namespace tributary::kube
