#include "operator/kube/testing/selector.h"
#include "operator/kube/testing/world.h"

// The lists of the fake API server.
namespace tributary::kube::testing {
namespace {

// Items of a list carry their kind where it comes from a CustomResourceDefinition.
bool is_custom(const Resource& resource) {
  return resource.group.find('.') != std::string::npos && !resource.group.ends_with(".k8s.io");
}

Reply too_large(const std::string& asked, std::uint64_t current) {
  Reply reply = refusal(504, "Timeout",
                        "Timeout: Too large resource version: " + asked + ", current: " + std::to_string(current));
  reply.body["details"] = {
      {"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})},
      {"retryAfterSeconds", 1}};
  return reply;
}

}  // namespace

// The present, less what has happened since.
std::map<Key, Json> World::objects_at(const Kind& kind, std::uint64_t version) const {
  std::map<Key, Json> objects = kind.objects;
  const std::string collection = collection_of(kind.resource.group, kind.resource.version, kind.resource.plural);
  for (auto entry = history_.rbegin(); entry != history_.rend() && entry->version > version; ++entry) {
    if (entry->collection != collection) continue;
    const Key key = Object(entry->after.is_object() ? entry->after : entry->before).key();
    if (entry->before.is_object()) {
      objects[key] = entry->before;
    } else {
      objects.erase(key);
    }
  }
  return objects;
}

// Pages are cut in the order of the keys and are all of one moment; a continue token is "version:space/name" of the
// last one served.
Reply World::list(const Kind& kind, const Call& call) const {
  const auto parameter = [&](const char* name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? std::string() : found->second;
  };
  const std::size_t limit = parameter("limit").empty() ? 0 : std::stoul(parameter("limit"));
  std::uint64_t version = call.as_of.value_or(version_);
  if (const std::string asked = parameter("resourceVersion"); !asked.empty() && std::stoull(asked) > version)
    return too_large(asked, version);
  Key after;
  if (const std::string token = parameter("continue"); !token.empty()) {
    const std::size_t colon = token.find(':'), slash = token.find('/');
    version = std::stoull(token.substr(0, colon));
    after = {token.substr(colon + 1, slash - colon - 1), token.substr(slash + 1)};
    if (version < oldest_) return refusal(410, "Expired", "The provided continue parameter is too old");
  }
  Json items = Json::array();
  std::string continue_token;
  for (const auto& [key, object] : objects_at(kind, version)) {
    if (!after.name.empty() && key <= after) continue;
    if (!call.key.space.empty() && key.space != call.key.space) continue;
    if (!matches(object, parameter("labelSelector"), parameter("fieldSelector"))) continue;
    if (limit > 0 && items.size() == limit) {
      const Object last(items.back());
      continue_token = std::to_string(version) + ":" + last.space() + "/" + last.name();
      break;
    }
    items.push_back(presented(object, call.metadata_only));
    if (call.metadata_only || is_custom(kind.resource)) continue;
    items.back().erase("kind");
    items.back().erase("apiVersion");
  }
  Json metadata = {{"resourceVersion", std::to_string(version)}};
  if (!continue_token.empty()) metadata["continue"] = continue_token;
  return {200,
          {{"kind", call.metadata_only ? "PartialObjectMetadataList" : kind.resource.kind + "List"},
           {"apiVersion", call.metadata_only ? "meta.k8s.io/v1" : kind.resource.api_version()},
           {"metadata", metadata},
           {"items", items}}};
}

}  // namespace tributary::kube::testing
