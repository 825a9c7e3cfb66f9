#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "operator/kube/object.h"
#include "operator/kube/request.h"

// What the fake API server keeps and how requests change it, without any HTTP. Not thread-safe.
namespace tributary::kube::testing {

struct Reply {
  int status = 200;
  Json body;
};

// The Status object of a refusal.
Reply refusal(int code, const std::string& reason, const std::string& message);

// One request, taken apart.
struct Call {
  Method method = Method::get;
  std::string group, version, plural;
  Key key;  // an empty name: the collection
  bool status = false;
  std::map<std::string, std::string> query;
  std::string content_type;
  bool metadata_only = false;
  std::string body;
  std::optional<std::uint64_t> as_of = {};  // of a list: the state that it is answered from
};

struct Logged {
  std::uint64_t version = 0;
  std::string collection;
  Json before, after;  // null where it did not exist
  SteadyTime at = SteadyClock::now();
};

class World {
 public:
  // `as_cluster`: garbage is collected, and pods end by somebody else (fake_api_server.h).
  World(std::function<WallTime()> clock, bool as_cluster);

  void serve(const Resource& resource, bool status_subresource, Json schema = {});
  void withdraw(const Resource& resource);
  Reply answer(const Call& call);  // everything but watches

  Object put(const Resource& resource, Json object);
  void erase(const Resource& resource, const Key& key);
  Object find(const Resource& resource, const Key& key) const;
  std::vector<Object> all(const Resource& resource) const;

  // For watches: the history, the oldest version that may still be asked for, and whether a kind is served.
  const std::vector<Logged>& history() const { return history_; }
  std::uint64_t version() const { return version_; }
  std::uint64_t oldest() const { return oldest_; }
  void compact() { oldest_ = version_; }
  const Resource* resource_of(const Call& call) const;

 private:
  struct Kind {
    Resource resource;
    bool status_subresource = true;
    Json schema;  // null: everything is kept
    bool served = true;
    std::map<Key, Json> objects = {};
    std::map<Key, std::map<std::string, Json>> intents = {};  // by field manager, of server-side apply
  };

  Kind* kind_of(const Call& call);
  Kind& kind_of(const Resource& resource);
  Reply answer_one(Kind& kind, const Call& call);
  Reply list(const Kind& kind, const Call& call) const;
  std::map<Key, Json> objects_at(const Kind& kind, std::uint64_t version) const;
  Reply create(Kind& kind, const Key& key, Json object);
  Reply patch(Kind& kind, const Call& call);
  Reply replace(Kind& kind, const Call& call);
  Reply apply(Kind& kind, const Call& call, const Json& intent);
  Reply update(Kind& kind, const Key& key, Json wanted, bool status);
  Reply remove(Kind& kind, const Call& call);
  Reply remove(Kind& kind, const Key& key, const std::string& propagation, bool at_once);
  std::string now() const;

  // Garbage collection; each says whether it changed anything.
  void collect_garbage();
  bool collect(Kind& kind, const Key& key);
  bool end_foreground(Kind& kind, const Key& key);
  bool orphan_dependents(Kind& kind, const Key& key);
  bool release(Kind& kind, const Key& key, const std::string& finalizer);
  bool is_alive(const std::string& uid) const;

  void store(Kind& kind, const Key& key, Json object);
  void drop(Kind& kind, const Key& key);

  const std::function<WallTime()> clock_;
  const bool as_cluster_;
  std::map<std::string, Kind> kinds_;  // by "group/version/plural"
  std::vector<Logged> history_;
  std::uint64_t version_ = 100;
  std::uint64_t oldest_ = 0;
  std::uint64_t uids_ = 0;
};

std::string collection_of(const std::string& group, const std::string& version, const std::string& plural);

// `object` as a client sees it that asked for its metadata alone, or unchanged.
Json presented(const Json& object, bool metadata_only);

}  // namespace tributary::kube::testing
