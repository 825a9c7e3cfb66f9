#include "operator/kube/testing/world.h"

#include <algorithm>
#include <utility>

#include "engine/base/clock.h"
#include "operator/kube/kinds.h"
#include "operator/kube/testing/schema.h"

namespace tributary::kube::testing {
namespace {

std::string qualified(const Resource& resource) {
  return resource.group.empty() ? resource.plural : resource.plural + "." + resource.group;
}

Reply not_found(const Resource& resource, const std::string& name) {
  return refusal(404, "NotFound", qualified(resource) + " \"" + name + "\" not found");
}

Reply conflict(const Resource& resource, const std::string& name, const std::string& why) {
  return refusal(409, "Conflict",
                 "Operation cannot be fulfilled on " + qualified(resource) + " \"" + name + "\": " + why);
}

// Kinds of the core group that we meet have no generation; all others count it.
bool counts_generation(const Resource& resource) {
  return !resource.group.empty() && resource.kind != "Event";
}

// Whether anything but metadata and status differs.
bool specification_differs(Json left, Json right) {
  for (Json* object : {&left, &right}) {
    object->erase("metadata");
    object->erase("status");
  }
  return left != right;
}

// Server-side apply for one owner: what its last intent had and the new one has not goes away; the rest is merged.
// Lists are atomic, as they are in custom resources without a list type.
void forget(Json& object, const Json& before, const Json& after) {
  if (!object.is_object() || !before.is_object()) return;
  for (const auto& [name, old] : before.items()) {
    if (!object.contains(name)) continue;
    if (!after.is_object() || !after.contains(name)) {
      if (!old.is_object() || old.empty()) {
        object.erase(name);
        continue;
      }
      forget(object[name], old, Json::object());
      if (object[name].empty()) object.erase(name);
      continue;
    }
    forget(object[name], old, after[name]);
  }
}

void merge(Json& object, const Json& intent) {
  if (!object.is_object() || !intent.is_object()) {
    object = intent;
    return;
  }
  for (const auto& [name, value] : intent.items()) merge(object[name], value);
}

}  // namespace

Reply refusal(int code, const std::string& reason, const std::string& message) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!reason.empty()) status["reason"] = reason;
  return {code, std::move(status)};
}

std::string collection_of(const std::string& group, const std::string& version, const std::string& plural) {
  return group + "/" + version + "/" + plural;
}

Json presented(const Json& object, bool metadata_only) {
  if (!metadata_only) return object;
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", object.value("metadata", Json::object())}};
}

World::World(std::function<WallTime()> clock, bool as_cluster) : clock_(std::move(clock)), as_cluster_(as_cluster) {
  for (const Resource& resource : {kinds::namespaces, kinds::pods, kinds::jobs, kinds::deployments})
    serve(resource, true);
  for (const Resource& resource :
       {kinds::config_maps, kinds::secrets, kinds::core_events, kinds::events, kinds::leases})
    serve(resource, false);
}

void World::serve(const Resource& resource, bool status_subresource, Json schema) {
  const auto [kind, fresh] = kinds_.try_emplace(collection_of(resource.group, resource.version, resource.plural));
  if (fresh) kind->second.resource = resource;
  kind->second.status_subresource = status_subresource;
  kind->second.schema = std::move(schema);
  kind->second.served = true;
}

void World::withdraw(const Resource& resource) {
  kind_of(resource).served = false;
}

std::string World::now() const {
  return rfc3339(clock_());
}

World::Kind* World::kind_of(const Call& call) {
  const auto found = kinds_.find(collection_of(call.group, call.version, call.plural));
  return found == kinds_.end() || !found->second.served ? nullptr : &found->second;
}

World::Kind& World::kind_of(const Resource& resource) {
  return kinds_.at(collection_of(resource.group, resource.version, resource.plural));
}

const Resource* World::resource_of(const Call& call) const {
  const auto found = kinds_.find(collection_of(call.group, call.version, call.plural));
  return found == kinds_.end() || !found->second.served ? nullptr : &found->second.resource;
}

Reply World::answer(const Call& call) {
  Kind* kind = kind_of(call);
  if (kind == nullptr || (call.status && !kind->status_subresource))
    return {404, Json()};  // a real server says so in plain text
  if (call.key.name.empty() && call.method == Method::get) return list(*kind, call);
  const Reply reply = answer_one(*kind, call);
  if (as_cluster_ && call.method != Method::get) collect_garbage();
  return reply;
}

Reply World::answer_one(Kind& kind, const Call& call) {
  if (call.key.name.empty() && call.method == Method::post) {
    Parsed body = parse_json(call.body);
    const Key key{call.key.space, text_at(body.json, {"metadata", "name"})};
    if (!body.ok || key.name.empty()) return refusal(400, "BadRequest", "the body is no object with a name");
    return create(kind, key, std::move(body.json));
  }
  if (call.method == Method::patch) return patch(kind, call);
  const auto found = kind.objects.find(call.key);
  if (found == kind.objects.end()) return not_found(kind.resource, call.key.name);
  if (call.method == Method::get) return {200, presented(found->second, call.metadata_only)};
  if (call.method == Method::remove) return remove(kind, call);
  if (call.method == Method::put) return replace(kind, call);
  return refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

Reply World::create(Kind& kind, const Key& key, Json object) {
  if (kind.objects.contains(key))
    return refusal(409, "AlreadyExists", qualified(kind.resource) + " \"" + key.name + "\" already exists");
  Json& metadata = object["metadata"];
  if (!text_at(metadata, {"resourceVersion"}).empty())
    return refusal(500, "", "resourceVersion should not be set on objects to be created");
  if (kind.resource.namespaced) metadata["namespace"] = key.space;
  metadata["uid"] = "00000000-0000-0000-0000-" + std::to_string(100000000000 + ++uids_);
  metadata["creationTimestamp"] = now();
  metadata.erase("deletionTimestamp");
  if (counts_generation(kind.resource)) metadata["generation"] = 1;
  prune(kind.schema, object);
  if (kind.status_subresource) object.erase("status");
  store(kind, key, std::move(object));
  return {201, kind.objects.at(key)};
}

Reply World::patch(Kind& kind, const Call& call) {
  const Parsed body = parse_json(call.body);
  if (!body.ok) return refusal(400, "BadRequest", "the body is no JSON");
  if (call.content_type.starts_with("application/apply-patch+yaml")) return apply(kind, call, body.json);
  const auto found = kind.objects.find(call.key);
  if (found == kind.objects.end()) return not_found(kind.resource, call.key.name);
  Json wanted = found->second;
  if (call.content_type.starts_with("application/merge-patch+json")) {
    wanted.merge_patch(body.json);
  } else if (call.content_type.starts_with("application/json-patch+json")) {
    try {
      wanted = wanted.patch(body.json);
    } catch (const Json::exception&) {
      return refusal(422, "Invalid", "the server rejected our request due to an error in our request");
    }
  } else {
    return refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format");
  }
  return update(kind, call.key, std::move(wanted), call.status);
}

Reply World::apply(Kind& kind, const Call& call, const Json& intent) {
  const auto manager = call.query.find("fieldManager");
  if (manager == call.query.end()) return refusal(400, "BadRequest", "fieldManager is required for apply patch");
  Json owned = intent;
  if (owned.contains("metadata")) {
    for (const char* name : {"name", "namespace", "uid", "resourceVersion"}) owned["metadata"].erase(name);
  }
  const std::string owner = manager->second + (call.status ? "/status" : "");
  const auto found = kind.objects.find(call.key);
  if (found == kind.objects.end()) {
    if (call.status) return not_found(kind.resource, call.key.name);
    kind.intents[call.key][owner] = std::move(owned);
    return create(kind, call.key, intent);
  }
  Json wanted = found->second;
  forget(wanted, kind.intents[call.key][owner], owned);
  for (const auto& [other, theirs] : kind.intents[call.key])
    if (other != owner) merge(wanted, theirs);
  merge(wanted, intent);
  const Reply reply = update(kind, call.key, std::move(wanted), call.status);
  if (reply.status < 300) kind.intents[call.key][owner] = std::move(owned);
  return reply;
}

Reply World::replace(Kind& kind, const Call& call) {
  Parsed body = parse_json(call.body);
  if (!body.ok || !at(body.json, {"metadata"}).is_object())
    return refusal(400, "BadRequest", "the body is no object with a name");
  Json& metadata = body.json["metadata"];
  if (text_at(metadata, {"uid"}).empty()) metadata["uid"] = at(kind.objects.at(call.key), {"metadata", "uid"});
  return update(kind, call.key, std::move(body.json), call.status);
}

Reply World::update(Kind& kind, const Key& key, Json wanted, bool status) {
  const Json have = kind.objects.at(key);
  const Object before(have);
  prune(kind.schema, wanted);
  if (!wanted.is_object() || !at(wanted, {"metadata"}).is_object())
    return refusal(422, "Invalid", "the patched object has no metadata");
  Json& metadata = wanted["metadata"];
  if (text_at(metadata, {"resourceVersion"}) != before.resource_version())
    return conflict(kind.resource, key.name,
                    "the object has been modified; please apply your changes to the latest version and try again");
  if (text_at(metadata, {"uid"}) != before.uid())
    return conflict(kind.resource, key.name,
                    "Precondition failed: UID in precondition: " + text_at(metadata, {"uid"}) +
                        ", UID in object meta: " + before.uid());
  if (text_at(metadata, {"name"}) != key.name)
    return refusal(400, "BadRequest", "the name of the object does not match the name on the URL");
  if (status) {
    const Json state = wanted.value("status", Json());
    wanted = have;
    wanted.erase("status");
    if (!state.is_null()) wanted["status"] = state;
  } else {
    if (kind.status_subresource) {
      wanted.erase("status");
      if (have.contains("status")) wanted["status"] = have["status"];
    }
    for (const char* name : {"creationTimestamp", "deletionTimestamp", "generation"}) {
      metadata.erase(name);
      if (have["metadata"].contains(name)) metadata[name] = have["metadata"][name];
    }
    if (metadata.contains("finalizers") && metadata["finalizers"].empty()) metadata.erase("finalizers");
    for (const std::string& finalizer : Object(wanted).finalizers())
      if (before.deleting() && !before.has_finalizer(finalizer))
        return refusal(422, "Invalid", "no new finalizers can be added if the object is being deleted");
  }
  if (wanted == have) return {200, have};
  if (counts_generation(kind.resource) && !status && specification_differs(have, wanted))
    wanted["metadata"]["generation"] = before.generation() + 1;
  store(kind, key, std::move(wanted));
  const Json stored = kind.objects.at(key);
  if (before.deleting() && Object(stored).finalizers().empty()) drop(kind, key);
  return {200, stored};
}

Reply World::remove(Kind& kind, const Call& call) {
  const Json& object = kind.objects.at(call.key);
  const Parsed options = parse_json(call.body);
  for (const char* name : {"uid", "resourceVersion"}) {
    const std::string wanted = text_at(options.json, {"preconditions", name});
    if (!wanted.empty() && wanted != text_at(object, {"metadata", name}))
      return conflict(kind.resource, call.key.name, std::string("Precondition failed: ") + name);
  }
  const std::string propagation = text_at(options.json, {"propagationPolicy"});
  const bool at_once = at(options.json, {"gracePeriodSeconds"}) == 0;
  return remove(kind, call.key, as_cluster_ ? propagation : "", at_once || !as_cluster_);
}

Reply World::remove(Kind& kind, const Key& key, const std::string& propagation, bool at_once) {
  Json object = kind.objects.at(key);
  const Object before(object);
  const std::string held = propagation == "Foreground" ? "foregroundDeletion" : propagation == "Orphan" ? "orphan" : "";
  const bool awaits = !held.empty() && !before.has_finalizer(held) && !before.deleting();
  const std::string phase = text_at(object, {"status", "phase"});
  const bool runs = kind.resource.kind == "Pod" && phase != "Succeeded" && phase != "Failed";
  if (before.finalizers().empty() && !awaits && (at_once || !runs)) {
    drop(kind, key);
    return {200,
            {{"kind", "Status"},
             {"apiVersion", "v1"},
             {"metadata", Json::object()},
             {"status", "Success"},
             {"details", {{"name", key.name}, {"kind", kind.resource.plural}, {"uid", before.uid()}}}}};
  }
  if (before.deleting()) return {200, object};
  if (awaits) object["metadata"]["finalizers"].push_back(held);
  object["metadata"]["deletionTimestamp"] = now();
  object["metadata"]["deletionGracePeriodSeconds"] = 0;
  if (counts_generation(kind.resource)) object["metadata"]["generation"] = before.generation() + 1;
  store(kind, key, std::move(object));
  return {200, kind.objects.at(key)};
}

void World::store(Kind& kind, const Key& key, Json object) {
  object["apiVersion"] = kind.resource.api_version();
  object["kind"] = kind.resource.kind;
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  Json& place = kind.objects[key];
  Json before = std::exchange(place, std::move(object));
  history_.push_back({version_, collection_of(kind.resource.group, kind.resource.version, kind.resource.plural),
                      std::move(before), place});
}

void World::drop(Kind& kind, const Key& key) {
  const auto found = kind.objects.find(key);
  Json last = std::move(found->second);
  kind.objects.erase(found);
  kind.intents.erase(key);
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  history_.push_back({version_, collection_of(kind.resource.group, kind.resource.version, kind.resource.plural),
                      std::move(last), Json()});
}

Object World::put(const Resource& resource, Json object) {
  Kind& kind = kind_of(resource);
  const Key key = Object(object).key();
  const Json state = object.value("status", Json());
  if (!kind.objects.contains(key)) {
    create(kind, key, std::move(object));
  } else {
    const Json have = kind.objects.at(key);
    Json metadata = have["metadata"];
    merge(metadata, object["metadata"]);
    object["metadata"] = metadata;
    if (counts_generation(resource) && specification_differs(have, object))
      object["metadata"]["generation"] = Object(have).generation() + 1;
    store(kind, key, std::move(object));
  }
  if (!state.is_null() && at(kind.objects.at(key), {"status"}) != state) {
    Json with_status = kind.objects.at(key);
    with_status["status"] = state;
    store(kind, key, std::move(with_status));
  }
  const Object stored(kind.objects.at(key));
  if (as_cluster_) collect_garbage();
  return stored;
}

void World::erase(const Resource& resource, const Key& key) {
  Kind& kind = kind_of(resource);
  if (!kind.objects.contains(key)) return;
  drop(kind, key);
  if (as_cluster_) collect_garbage();
}

Object World::find(const Resource& resource, const Key& key) const {
  const auto& objects = kinds_.at(collection_of(resource.group, resource.version, resource.plural)).objects;
  const auto found = objects.find(key);
  return found == objects.end() ? Object() : Object(found->second);
}

std::vector<Object> World::all(const Resource& resource) const {
  std::vector<Object> objects;
  for (const auto& [key, object] : kinds_.at(collection_of(resource.group, resource.version, resource.plural)).objects)
    objects.emplace_back(object);
  return objects;
}

}  // namespace tributary::kube::testing
