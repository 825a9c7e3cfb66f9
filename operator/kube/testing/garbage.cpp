#include <algorithm>

#include "operator/kube/testing/world.h"

// The garbage collector of a cluster, which has done its work whenever a request is answered.
namespace tributary::kube::testing {
namespace {

bool depends_on(const Json& object, const std::string& uid) {
  const std::vector<OwnerReference> owners = Object(object).owners();
  return std::any_of(owners.begin(), owners.end(), [&](const OwnerReference& owner) { return owner.uid == uid; });
}

bool blocks(const Json& object, const std::string& uid) {
  const Json& owners = array_at(object, {"metadata", "ownerReferences"});
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
    return text_at(owner, {"uid"}) == uid && flag_at(owner, {"blockOwnerDeletion"});
  });
}

}  // namespace

bool World::is_alive(const std::string& uid) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const auto& kind) {
    return std::any_of(kind.second.objects.begin(), kind.second.objects.end(),
                       [&](const auto& object) { return Object(object.second).uid() == uid; });
  });
}

void World::collect_garbage() {
  for (bool again = true; again;) {
    again = false;
    for (auto& [collection, kind] : kinds_) {
      std::vector<Key> keys;
      for (const auto& [key, object] : kind.objects) keys.push_back(key);
      for (const Key& key : keys) again = (kind.objects.contains(key) && collect(kind, key)) || again;
    }
  }
}

bool World::collect(Kind& kind, const Key& key) {
  const Object object(kind.objects.at(key));
  if (object.deleting() && object.has_finalizer("foregroundDeletion")) return end_foreground(kind, key);
  if (object.deleting() && object.has_finalizer("orphan")) return orphan_dependents(kind, key);
  const std::vector<OwnerReference> owners = object.owners();
  const bool is_kept = owners.empty() || std::any_of(owners.begin(), owners.end(),
                                                     [&](const auto& owner) { return is_alive(owner.uid); });
  if (is_kept || object.deleting()) return false;
  remove(kind, key, "Background", false);
  return true;
}

bool World::end_foreground(Kind& kind, const Key& key) {
  const std::string uid = Object(kind.objects.at(key)).uid();
  bool changed = false, blocked = false;
  for (auto& [collection, other] : kinds_) {
    std::vector<Key> dependents;
    for (const auto& [name, object] : other.objects)
      if (depends_on(object, uid)) dependents.push_back(name);
    for (const Key& name : dependents) {
      const bool blocking = blocks(other.objects.at(name), uid);
      if (!Object(other.objects.at(name)).deleting()) {
        remove(other, name, other.resource.kind == "Pod" ? "Background" : "Foreground", false);
        changed = true;
      }
      blocked = blocked || (blocking && other.objects.contains(name));
    }
  }
  return (!blocked && release(kind, key, "foregroundDeletion")) || changed;
}

bool World::orphan_dependents(Kind& kind, const Key& key) {
  const std::string uid = Object(kind.objects.at(key)).uid();
  for (auto& [collection, other] : kinds_) {
    const std::map<Key, Json> objects = other.objects;
    for (const auto& [name, object] : objects) {
      if (!depends_on(object, uid)) continue;
      Json orphan = object;
      std::erase_if(orphan["metadata"]["ownerReferences"].get_ref<Json::array_t&>(),
                    [&](const Json& owner) { return text_at(owner, {"uid"}) == uid; });
      if (orphan["metadata"]["ownerReferences"].empty()) orphan["metadata"].erase("ownerReferences");
      store(other, name, std::move(orphan));
    }
  }
  return release(kind, key, "orphan");
}

bool World::release(Kind& kind, const Key& key, const std::string& finalizer) {
  Json object = kind.objects.at(key);
  std::erase(object["metadata"]["finalizers"].get_ref<Json::array_t&>(), Json(finalizer));
  if (object["metadata"]["finalizers"].empty()) object["metadata"].erase("finalizers");
  store(kind, key, std::move(object));
  if (Object(kind.objects.at(key)).finalizers().empty()) drop(kind, key);
  return true;
}

}  // namespace tributary::kube::testing
