#include "operator/kube/request.h"

#include <utility>
#include <vector>

namespace tributary::kube {
namespace {

constexpr const char* merge_type = "application/merge-patch+json";
constexpr const char* json_patch_type = "application/json-patch+json";
constexpr const char* apply_type = "application/apply-patch+yaml";
constexpr const char* json_type = "application/json";

using Query = std::vector<std::pair<std::string, std::string>>;

std::string with_query(std::string path, const Query& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    path += separator + name + "=" + percent_encode(value);
    separator = '&';
  }
  return path;
}

std::string collection_path(const Resource& resource, const std::string& space) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/" + percent_encode(resource.group) + "/";
  path += percent_encode(resource.version);
  if (resource.namespaced && !space.empty()) path += "/namespaces/" + percent_encode(space);
  return path + "/" + percent_encode(resource.plural);
}

std::string object_path(const Resource& resource, const Key& key, Subresource subresource) {
  const std::string path = collection_path(resource, key.space) + "/" + percent_encode(key.name);
  return subresource == Subresource::status ? path + "/status" : path;
}

std::string accepted(Detail detail, const char* kind) {
  if (detail == Detail::full) return json_type;
  return std::string("application/json;as=") + kind + ";g=meta.k8s.io;v=v1";
}

Json with_type(const Resource& resource, const Object& object) {
  Json json = object.json();
  json["apiVersion"] = resource.api_version();
  json["kind"] = resource.kind;
  return json;
}

// Bytes that are no UTF-8 are replaced: dumping must not throw, and the server refuses them anyway.
std::string body_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Request patch(std::string path, const char* content_type, const Json& body, const std::string& field_manager,
              bool force) {
  const Query query{{"fieldManager", field_manager}, {"force", force ? "true" : ""}};
  return {Method::patch, with_query(std::move(path), query), content_type, json_type, body_of(body)};
}

Json finalizers_patch(const Object& object, const std::vector<std::string>& finalizers) {
  return {{"metadata", {{"resourceVersion", object.resource_version()}, {"finalizers", finalizers}}}};
}

const char* name_of(Propagation propagation) {
  switch (propagation) {
    case Propagation::background:
      return "Background";
    case Propagation::foreground:
      return "Foreground";
    case Propagation::orphan:
      return "Orphan";
  }
  return "Background";
}

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::remove:
      return "DELETE";
  }
  return "GET";
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr const char* digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return encoded;
}

Request list(const Resource& resource, const Selection& selection, const ListPage& page) {
  const Query query{{"labelSelector", selection.labels},
                    {"fieldSelector", selection.fields},
                    {"limit", page.limit > 0 ? std::to_string(page.limit) : ""},
                    {"continue", page.continue_token}};
  return {.path = with_query(collection_path(resource, selection.space), query),
          .content_type = {},
          .accept = accepted(selection.detail, "PartialObjectMetadataList"),
          .body = {}};
}

Request watch(const Resource& resource, const Selection& selection, const WatchFrom& from) {
  const Query query{{"watch", "1"},
                    {"labelSelector", selection.labels},
                    {"fieldSelector", selection.fields},
                    {"resourceVersion", from.resource_version},
                    {"allowWatchBookmarks", "true"},
                    {"timeoutSeconds", std::to_string(from.timeout_seconds)}};
  return {.path = with_query(collection_path(resource, selection.space), query),
          .content_type = {},
          .accept = accepted(selection.detail, "PartialObjectMetadata"),
          .body = {}};
}

Request get(const Resource& resource, const Key& key) {
  return {.path = object_path(resource, key, Subresource::none), .content_type = {}, .body = {}};
}

Request create(const Resource& resource, const Object& object) {
  return {Method::post, collection_path(resource, object.space()), json_type, json_type,
          body_of(with_type(resource, object))};
}

Request update(const Resource& resource, const Object& object) {
  return {Method::put, object_path(resource, object.key(), Subresource::none), json_type, json_type,
          body_of(with_type(resource, object))};
}

Request apply(const Resource& resource, const Object& intent, const std::string& field_manager,
              Subresource subresource) {
  return patch(object_path(resource, intent.key(), subresource), apply_type, with_type(resource, intent), field_manager,
               true);
}

Request merge_patch(const Resource& resource, const Key& key, const Json& changes, const std::string& field_manager,
                    Subresource subresource) {
  return patch(object_path(resource, key, subresource), merge_type, changes, field_manager, false);
}

Request json_patch(const Resource& resource, const Key& key, const Json& operations, const std::string& field_manager,
                   Subresource subresource) {
  return patch(object_path(resource, key, subresource), json_patch_type, operations, field_manager, false);
}

Request remove(const Resource& resource, const Key& key, const Removal& removal) {
  Json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", name_of(removal.propagation)}};
  if (!removal.uid.empty()) options["preconditions"]["uid"] = removal.uid;
  if (!removal.resource_version.empty()) options["preconditions"]["resourceVersion"] = removal.resource_version;
  if (removal.grace_seconds) options["gracePeriodSeconds"] = *removal.grace_seconds;
  return {Method::remove, object_path(resource, key, Subresource::none), json_type, json_type, body_of(options)};
}

Json add_finalizer(const Object& object, const std::string& finalizer) {
  std::vector<std::string> finalizers = object.finalizers();
  if (!object.has_finalizer(finalizer)) finalizers.push_back(finalizer);
  return finalizers_patch(object, finalizers);
}

Json remove_finalizer(const Object& object, const std::string& finalizer) {
  std::vector<std::string> finalizers = object.finalizers();
  std::erase(finalizers, finalizer);
  return finalizers_patch(object, finalizers);
}

}  // namespace tributary::kube
