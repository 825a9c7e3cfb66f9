#include "operator/replication/kept.h"

#include <algorithm>
#include <string>
#include <utility>

#include "operator/api/names.h"

namespace tributary::replication {
namespace {

using kube::array_at;
using kube::at;
using kube::Json;
using kube::Object;
using kube::text_at;
using Names = std::initializer_list<const char*>;

Json picked(const Json& from, const Names& names) {
  Json kept = Json::object();
  for (const char* name : names) {
    if (const Json& value = at(from, {name}); !value.is_null()) kept[name] = value;
  }
  return kept;
}

// Elements whose `member` is one of the words.
Json chosen(const Json& list, const char* member, const Names& words, const Names& names) {
  Json kept = Json::array();
  for (const Json& each : list) {
    const std::string word = text_at(each, {member});
    if (std::find(words.begin(), words.end(), word) != words.end()) kept.push_back(picked(each, names));
  }
  return kept;
}

Json ours(const Json& named) {
  static const std::string prefix = std::string(v1alpha1::group) + "/";
  Json kept = Json::object();
  if (!named.is_object()) return kept;
  for (const auto& [name, value] : named.items()) {
    if (name.starts_with(prefix)) kept[name] = value;
  }
  return kept;
}

Json identity(const Object& object) {
  return picked(at(object.json(), {"metadata"}), {"name", "namespace", "uid", "resourceVersion"});
}

Json metadata_of_dependent(const Object& object) {
  const Json& metadata = at(object.json(), {"metadata"});
  Json kept = picked(metadata, {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
                                "deletionTimestamp"});
  kept["labels"] = ours(at(metadata, {"labels"}));
  kept["annotations"] = ours(at(metadata, {"annotations"}));
  Json& owners = kept["ownerReferences"] = Json::array();
  for (const Json& owner : array_at(metadata, {"ownerReferences"})) owners.push_back(picked(owner, {"kind", "uid"}));
  return kept;
}

Json conditions(const Object& object, const Names& types) {
  return chosen(array_at(object.json(), {"status", "conditions"}), "type", types,
                {"type", "status", "reason", "message", "lastTransitionTime"});
}

}  // namespace

void keep_replication(Object& object) {
  const Json& json = object.json();
  Json kept = picked(json, {"apiVersion", "kind", "spec", "status"});
  kept["metadata"] = picked(at(json, {"metadata"}), {"name", "namespace", "uid", "resourceVersion", "generation",
                                                     "creationTimestamp", "deletionTimestamp", "finalizers"});
  object = Object(std::move(kept));
}

void keep_job(Object& object) {
  Json status = picked(at(object.json(), {"status"}), {"failed"});
  status["conditions"] = conditions(object, {"Complete", "Failed"});
  object = Object(Json{{"metadata", metadata_of_dependent(object)}, {"status", std::move(status)}});
}

// Somebody may have scaled it.
void keep_deployment(Object& object) {
  const Json& json = object.json();
  Json status = picked(at(json, {"status"}), {"observedGeneration", "updatedReplicas", "readyReplicas"});
  status["conditions"] = conditions(object, {"ReplicaFailure"});
  object = Object(Json{{"metadata", metadata_of_dependent(object)},
                       {"spec", picked(at(json, {"spec"}), {"replicas"})},
                       {"status", std::move(status)}});
}

void keep_pod(Object& object) {
  const Json& json = object.json();
  Json status = picked(at(json, {"status"}), {"phase", "reason", "message", "podIP"});
  status["conditions"] = conditions(object, {"PodScheduled", "DisruptionTarget"});
  status["containerStatuses"] =
      chosen(array_at(json, {"status", "containerStatuses"}), "name", {"engine"}, {"name", "state", "lastState"});
  object = Object(Json{{"metadata", metadata_of_dependent(object)}, {"status", std::move(status)}});
}

void keep_identity(Object& object) {
  object = Object(Json{{"metadata", identity(object)}});
}

}  // namespace tributary::replication
