#include "operator/api/json_fields.h"

#include <limits>

namespace tributary::v1alpha1 {
namespace {

const nlohmann::json nothing;

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object, std::string path, std::optional<Error>& flaw)
    : object_(&object), path_(std::move(path)), flaw_(&flaw) {
  if (!object.is_null() && !object.is_object() && !flaw) flaw = Error{Fault::invalid, path_ + " is not an object"};
}

const nlohmann::json& JsonFields::raw(const char* key) const {
  if (!object_->is_object()) return nothing;
  const auto found = object_->find(key);
  return found == object_->end() ? nothing : *found;
}

JsonFields JsonFields::inner(const char* key) const {
  return {raw(key), path_ + "." + key, *flaw_};
}

void JsonFields::complain(const char* key, const std::string& why) const {
  if (!*flaw_) *flaw_ = Error{Fault::invalid, path_ + "." + key + " " + why};
}

void JsonFields::read(const char* key, std::string& value) const {
  const nlohmann::json& found = raw(key);
  if (found.is_null()) return;
  if (!found.is_string()) return complain(key, "is not a text");
  value = found.get<std::string>();
}

void JsonFields::read(const char* key, bool& value) const {
  const nlohmann::json& found = raw(key);
  if (found.is_null()) return;
  if (!found.is_boolean()) return complain(key, "is neither true nor false");
  value = found.get<bool>();
}

std::int64_t JsonFields::whole(const char* key, std::int64_t most) const {
  const nlohmann::json& found = raw(key);
  const bool fits = found.is_number_integer() && found.get<std::int64_t>() >= 0 && found.get<std::int64_t>() <= most;
  if (!fits) complain(key, "is not a whole number from 0 to " + std::to_string(most));
  return fits ? found.get<std::int64_t>() : 0;
}

void JsonFields::read(const char* key, int& value) const {
  if (!raw(key).is_null()) value = static_cast<int>(whole(key, std::numeric_limits<int>::max()));
}

void JsonFields::read(const char* key, std::int64_t& value) const {
  if (!raw(key).is_null()) value = whole(key, std::numeric_limits<std::int64_t>::max());
}

void JsonFields::read(const char* key, std::uint16_t& value) const {
  if (!raw(key).is_null()) value = static_cast<std::uint16_t>(whole(key, std::numeric_limits<std::uint16_t>::max()));
}

void JsonFields::read(const char* key, std::uint64_t& value) const {
  if (!raw(key).is_null()) value = static_cast<std::uint64_t>(whole(key, std::numeric_limits<std::int64_t>::max()));
}

void JsonFields::read(const char* key, std::vector<std::string>& value) const {
  const nlohmann::json& found = raw(key);
  if (found.is_null()) return;
  if (!found.is_array()) return complain(key, "is not a list");
  for (const nlohmann::json& item : found) {
    if (!item.is_string()) return complain(key, "holds something that is not a text");
    value.push_back(item.get<std::string>());
  }
}

void JsonFields::read(const char* key, std::map<std::string, std::string>& value) const {
  const nlohmann::json& found = raw(key);
  if (found.is_null()) return;
  if (!found.is_object()) return complain(key, "is not a map");
  for (const auto& [name, item] : found.items()) {
    if (!item.is_string()) return complain(key, "holds something that is not a text");
    value[name] = item.get<std::string>();
  }
}

}  // namespace tributary::v1alpha1
