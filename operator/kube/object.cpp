#include "operator/kube/object.h"

#include <algorithm>
#include <utility>

namespace tributary::kube {
namespace {

const Json nothing;
const Json no_elements = Json::array();

}  // namespace

std::string Resource::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string Key::text() const {
  return space.empty() ? name : space + "/" + name;
}

const Json& at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* here = &json;
  for (const std::string_view name : path) {
    if (!here->is_object()) return nothing;
    const auto member = here->find(name);
    if (member == here->end()) return nothing;
    here = &*member;
  }
  return *here;
}

std::string text_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = at(json, path);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

std::int64_t integer_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = at(json, path);
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return std::in_range<std::int64_t>(number) ? static_cast<std::int64_t>(number) : 0;
  }
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

bool flag_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = at(json, path);
  return value.is_boolean() && value.get<bool>();
}

const Json& array_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = at(json, path);
  return value.is_array() ? value : no_elements;
}

std::vector<std::string> Object::finalizers() const {
  std::vector<std::string> names;
  for (const Json& name : array_at(json_, {"metadata", "finalizers"}))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

bool Object::has_finalizer(std::string_view name) const {
  const Json& names = array_at(json_, {"metadata", "finalizers"});
  return std::any_of(names.begin(), names.end(),
                     [&](const Json& have) { return have.is_string() && have.get_ref<const std::string&>() == name; });
}

std::vector<OwnerReference> Object::owners() const {
  std::vector<OwnerReference> owners;
  for (const Json& owner : array_at(json_, {"metadata", "ownerReferences"}))
    owners.push_back({text_at(owner, {"apiVersion"}), text_at(owner, {"kind"}), text_at(owner, {"name"}),
                      text_at(owner, {"uid"}), flag_at(owner, {"controller"})});
  return owners;
}

Json controller_reference(const Object& owner) {
  return {{"apiVersion", owner.api_version()},
          {"kind", owner.kind()},
          {"name", owner.name()},
          {"uid", owner.uid()},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

std::string micro_time(WallTime time) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  std::string fraction = std::to_string(micros);
  fraction.insert(0, 6 - fraction.size(), '0');
  std::string text = rfc3339(time);
  text.pop_back();
  return text + "." + fraction + "Z";
}

void drop_bookkeeping(Object& object) {
  if (!at(object.json(), {"metadata"}).is_object()) return;
  Json& metadata = object.json()["metadata"];
  metadata.erase("managedFields");
  if (!at(metadata, {"annotations"}).is_object()) return;
  metadata["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
}

}  // namespace tributary::kube
