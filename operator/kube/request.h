#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "operator/kube/object.h"

// Requests as values: parameters in, HTTP request out, no I/O. The one place that spells a path, a query or a
// content type of the API.
namespace tributary::kube {

enum class Method { get, post, put, patch, remove };
const char* name_of(Method method);  // "GET", "POST", ...

// A request without its server: the path starts with '/' and carries its encoded query.
struct Request {
  Method method = Method::get;
  std::string path;
  std::string content_type;  // empty when there is no body
  std::string accept = "application/json";
  std::string body;
  std::optional<SteadyTime> begin_by = {};  // after that the body is not sent any more, nor is the request executed
  std::optional<int> repeats = {};          // it was sent before, and answered with this status; 0: there was no answer
};

// Whether repeating the request is harmless whatever became of the first try.
inline bool is_read(const Request& request) {
  return request.method == Method::get;
}

enum class Subresource { none, status };

// What of each object a list or watch carries: all of it, or its metadata alone (PartialObjectMetadata).
enum class Detail { full, metadata };

struct Selection {
  std::string space = {};   // empty: all namespaces
  std::string labels = {};  // label selector in kubectl's notation
  std::string fields = {};  // field selector
  Detail detail = Detail::full;
};

struct ListPage {
  std::int64_t limit = 500;  // 0: everything in one answer
  std::string continue_token = {};
};

struct WatchFrom {
  std::string resource_version;
  std::int64_t timeout_seconds = 300;  // after which the server ends the stream
};

enum class Propagation { background, foreground, orphan };

struct Removal {
  Propagation propagation = Propagation::background;
  std::string uid = {};               // when given, only this incarnation is deleted, else 409
  std::string resource_version = {};  // when given, only this version is deleted, else 409
  std::optional<std::int64_t> grace_seconds = {};
};

Request list(const Resource& resource, const Selection& selection, const ListPage& page);
// Bookmarks are always asked for.
Request watch(const Resource& resource, const Selection& selection, const WatchFrom& from);
Request get(const Resource& resource, const Key& key);
Request create(const Resource& resource, const Object& object);
// Replaces the whole object, unless it was changed since the version that it carries.
Request update(const Resource& resource, const Object& object);
// Server-side apply with force: the body is the whole intent of the field manager. apiVersion and kind are filled in.
Request apply(const Resource& resource, const Object& intent, const std::string& field_manager,
              Subresource subresource = Subresource::none);
Request merge_patch(const Resource& resource, const Key& key, const Json& patch, const std::string& field_manager,
                    Subresource subresource = Subresource::none);
Request json_patch(const Resource& resource, const Key& key, const Json& operations, const std::string& field_manager,
                   Subresource subresource = Subresource::none);
Request remove(const Resource& resource, const Key& key, const Removal& removal);

// Merge patches that add or remove one finalizer. They carry the resourceVersion that was seen, so that a concurrent
// change makes them fail with `conflict` (a failed `test` of a JSON patch would be `invalid`). For a finalizer that is
// there already, or gone already, the patch changes nothing.
Json add_finalizer(const Object& object, const std::string& finalizer);
Json remove_finalizer(const Object& object, const std::string& finalizer);

// RFC 3986: everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace tributary::kube
