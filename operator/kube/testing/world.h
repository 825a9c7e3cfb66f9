#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

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
};

struct Logged {
  std::uint64_t version = 0;
  std::string collection;
  Json before, after;  // null where it did not exist
};

class World {
 public:
  World();

  void serve(const Resource& resource, bool status_subresource);
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
    std::map<Key, Json> objects;
    std::map<Key, std::map<std::string, Json>> intents;  // by field manager, of server-side apply
  };

  Kind* kind_of(const Call& call);
  Kind& kind_of(const Resource& resource);
  Reply list(const Kind& kind, const Call& call) const;
  Reply create(Kind& kind, const Key& key, Json object);
  Reply patch(Kind& kind, const Call& call);
  Reply replace(Kind& kind, const Call& call);
  Reply apply(Kind& kind, const Call& call, const Json& intent);
  Reply update(Kind& kind, const Key& key, Json wanted, bool status);
  Reply remove(Kind& kind, const Call& call);
  void store(Kind& kind, const Key& key, Json object);
  void drop(Kind& kind, const Key& key);

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
