#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "operator/kube/object.h"

// The last seen state of one resource, fed by a watch and read by anybody.
namespace tributary::kube {

// An immutable object shared between the store and its readers.
using Seen = std::shared_ptr<const Object>;

// One transition: no `before` is an arrival, no `after` a departure (`before` is then the last state seen).
struct Change {
  Seen before;
  Seen after;
  bool initial = false;  // of the first list after start

  const Object& either() const { return after ? *after : *before; }
};

// Thread-safe. Readers never see a half-replaced content.
class Store {
 public:
  // The names under which indexed() finds an object, for example the Secrets it refers to.
  using IndexNames = std::function<std::vector<std::string>(const Object&)>;

  explicit Store(IndexNames index_names = {}) : index_names_(std::move(index_names)) {}

  Seen find(const Key& key) const;
  std::vector<Seen> all() const;
  std::vector<Seen> owned_by(const std::string& uid) const;  // has an owner reference with this UID
  std::vector<Seen> indexed(const std::string& name) const;
  std::size_t size() const;

  // Whether the first list is complete and its changes were handed to the handler.
  bool synced() const;
  // False when the deadline passed or a stop was requested first.
  bool wait_synced(Deadline deadline, std::stop_token stop) const;

  // For the watch that feeds it. put() treats an unknown key as an arrival and a known one as a change; remove()
  // answers nothing for an unknown key. replace() is atomic and delivers objects that are gone as departures;
  // objects of unchanged resourceVersion and UID yield no change.
  Change put(Object object);
  std::vector<Change> remove(const Key& key);
  std::vector<Change> replace(std::vector<Object> objects);
  void mark_synced();

 private:
  using Index = std::map<std::string, std::set<Key>>;
  Change exchange(const Key& key, Seen after);
  void link(const Key& key, const Object& object);
  void unlink(const Key& key, const Object& object);
  std::vector<Seen> lookup(const Index& index, const std::string& name) const;

  const IndexNames index_names_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any synced_changed_;
  std::map<Key, Seen> objects_;
  Index by_owner_;
  Index by_name_;
  bool synced_ = false;
};

}  // namespace tributary::kube
