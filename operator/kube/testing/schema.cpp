#include "operator/kube/testing/schema.h"

namespace tributary::kube::testing {
namespace {

void prune_value(const Json& schema, Json& value) {
  if (value.is_array() && schema.contains("items")) {
    for (Json& item : value) prune_value(schema["items"], item);
  }
  if (!value.is_object()) return;
  const bool keeps = schema.value("x-kubernetes-preserve-unknown-fields", false);
  const Json& properties = at(schema, {"properties"});
  const Json& others = at(schema, {"additionalProperties"});
  for (auto member = value.begin(); member != value.end();) {
    const bool known = properties.is_object() && properties.contains(member.key());
    if (known) prune_value(properties[member.key()], *member);
    if (!known && others.is_object()) prune_value(others, *member);
    member = known || others.is_object() || keeps ? std::next(member) : value.erase(member);
  }
}

}  // namespace

void prune(const Json& schema, Json& object) {
  if (!schema.is_object() || !object.is_object()) return;
  const Json metadata = object.value("metadata", Json());
  const Json kind = object.value("kind", Json()), version = object.value("apiVersion", Json());
  prune_value(schema, object);
  if (!metadata.is_null()) object["metadata"] = metadata;
  if (!kind.is_null()) object["kind"] = kind;
  if (!version.is_null()) object["apiVersion"] = version;
}

}  // namespace tributary::kube::testing
