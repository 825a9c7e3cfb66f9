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
#include "operator/kube/packed.h"

// The last seen state of one resource, fed by a watch and read by anybody.
namespace tributary::kube {

// An object as it was when it was asked for; nothing where there was none.
using Seen = std::shared_ptr<const Object>;

// One transition.
struct Change {
  enum class Kind { arrived, changed, departed };
  Kind kind = Kind::arrived;
  Key key;
  Packed state;          // that it has now; of what departed, the last one seen
  bool initial = false;  // of the first list after start
};

// Keeps objects packed: whoever asks for one gets JSON of their own. Thread-safe. Readers never see a half-replaced
// content.
class Store {
 public:
  // The names under which indexed() finds an object, for example the Secrets it refers to.
  using IndexNames = std::function<std::vector<std::string>(const Object&)>;
  using Content = std::map<Key, Packed>;

  explicit Store(IndexNames index_names = {}) : index_names_(std::move(index_names)) {}

  Seen find(const Key& key) const;
  std::vector<Key> keys() const;
  std::vector<Seen> indexed(const std::string& name) const;
  std::vector<Key> indexed_keys(const std::string& name) const;
  std::size_t size() const;
  // One after the other, as they are at the same moment; no more than one of them is unpacked at a time.
  void each(const std::function<void(const Object&)>& visit) const;

  // Whether the first list is complete and its changes were handed to the handler.
  bool synced() const;
  // False when the deadline passed or a stop was requested first.
  bool wait_synced(Deadline deadline, std::stop_token stop) const;

  // For the watch that feeds it. put() treats an unknown key as an arrival and a known one as a change; remove()
  // answers nothing for an unknown key. replace() is atomic and delivers objects that are gone as departures;
  // objects that are in it already as they are yield no change.
  Change put(const Object& object);
  std::vector<Change> remove(const Key& key);
  std::vector<Change> replace(Content content);
  void mark_synced();

 private:
  // A name with an object that it finds; the key is the one of objects_.
  struct Link {
    std::string name;
    const Key* key;
  };
  struct InOrder {
    using is_transparent = void;
    bool operator()(const Link& one, const Link& other) const;
    bool operator()(const Link& link, const std::string& name) const { return link.name < name; }
    bool operator()(const std::string& name, const Link& link) const { return name < link.name; }
  };

  std::vector<std::string> names_of(const Object& object) const;
  std::vector<std::string> names_of(const Packed& state) const;
  Change exchange(Key key, Packed after, std::vector<std::string> names);
  void unlink(const Key& key, const Packed& state);

  const IndexNames index_names_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any synced_changed_;
  Content objects_;
  std::set<Link, InOrder> links_;
  bool synced_ = false;
};

}  // namespace tributary::kube
