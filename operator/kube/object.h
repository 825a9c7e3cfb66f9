#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/base/clock.h"

// Kubernetes objects as values. The server's answers are outside input: every accessor answers an empty value for a
// member that is absent or of another type than expected, and none throws.
namespace tributary::kube {

using Json = nlohmann::json;

// A kind of object as the API server addresses it.
struct Resource {
  std::string group;  // empty for the core group
  std::string version;
  std::string kind;
  std::string plural;
  bool namespaced = true;

  std::string api_version() const;  // "v1", "apps/v1"
};

// Names one object of a resource; `space` is its namespace, empty for cluster-wide objects.
struct Key {
  std::string space;
  std::string name;

  std::string text() const;  // "space/name", or "name" alone
  auto operator<=>(const Key&) const = default;
};

// The member at the end of a path of object member names; a JSON null where the path leads nowhere.
const Json& at(const Json& json, std::initializer_list<std::string_view> path);
// The value at the end of the path; empty, 0, false or no elements where it is absent or of another type.
std::string text_at(const Json& json, std::initializer_list<std::string_view> path);
std::int64_t integer_at(const Json& json, std::initializer_list<std::string_view> path);
bool flag_at(const Json& json, std::initializer_list<std::string_view> path);
const Json& array_at(const Json& json, std::initializer_list<std::string_view> path);

// Parses a server's text without throwing: ok is false when it is no JSON or deeper than 200 levels. Of metadata,
// managedFields are left out: half of an object's text, and nobody's business here.
struct Parsed {
  Json json;
  bool ok = false;
};
Parsed parse_json(std::string_view text);

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
};

// One object with its metadata within reach. A value; copying copies the JSON.
class Object {
 public:
  Object() = default;
  explicit Object(Json json) : json_(std::move(json)) {}

  const Json& json() const { return json_; }
  Json& json() { return json_; }

  std::string api_version() const { return text_at(json_, {"apiVersion"}); }
  std::string kind() const { return text_at(json_, {"kind"}); }
  std::string name() const { return text_at(json_, {"metadata", "name"}); }
  std::string space() const { return text_at(json_, {"metadata", "namespace"}); }
  Key key() const { return {space(), name()}; }
  std::string uid() const { return text_at(json_, {"metadata", "uid"}); }
  std::string resource_version() const { return text_at(json_, {"metadata", "resourceVersion"}); }
  std::int64_t generation() const { return integer_at(json_, {"metadata", "generation"}); }
  std::string creation_timestamp() const { return text_at(json_, {"metadata", "creationTimestamp"}); }
  std::string deletion_timestamp() const { return text_at(json_, {"metadata", "deletionTimestamp"}); }
  bool deleting() const { return !deletion_timestamp().empty(); }

  std::string label(std::string_view name) const { return text_at(json_, {"metadata", "labels", name}); }
  std::string annotation(std::string_view name) const { return text_at(json_, {"metadata", "annotations", name}); }
  std::vector<std::string> finalizers() const;
  bool has_finalizer(std::string_view name) const;
  std::vector<OwnerReference> owners() const;

 private:
  Json json_;
};

// The reference that makes `owner` the controller of a dependent in the same namespace (blockOwnerDeletion set).
Json controller_reference(const Object& owner);

// metav1.MicroTime: RFC 3339 in UTC with microseconds.
std::string micro_time(WallTime time);

// Removes what no cache should hold: managedFields, and the last-applied annotation, which carries whole Secrets.
void drop_bookkeeping(Object& object);

}  // namespace tributary::kube
