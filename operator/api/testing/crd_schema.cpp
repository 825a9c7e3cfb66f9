#include "operator/api/testing/crd_schema.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <regex>

namespace tributary::v1alpha1::testing {
namespace {

using nlohmann::json;

json scalar(const YAML::Node& node) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  static const std::regex whole("-?(0|[1-9][0-9]*)");
  if (std::regex_match(text, whole)) return std::stoll(text);
  return text;
}

json convert(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return scalar(node);
    case YAML::NodeType::Sequence: {
      json list = json::array();
      for (const YAML::Node& item : node) list.push_back(convert(item));
      return list;
    }
    case YAML::NodeType::Map: {
      json map = json::object();
      for (const auto& member : node) map[member.first.Scalar()] = convert(member.second);
      return map;
    }
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      return nullptr;
  }
  std::abort();
}

using Complaints = std::vector<std::string>;

bool has_type(const json& schema, const json& value) {
  if (schema.contains("x-kubernetes-int-or-string")) return value.is_number_integer() || value.is_string();
  const std::string type = schema.value("type", "");
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer());
}

void check_text(const json& schema, const std::string& text, const std::string& path, Complaints& out) {
  if (text.size() < schema.value("minLength", 0U)) out.push_back(path + " is too short");
  if (text.size() > schema.value("maxLength", 1U << 30)) out.push_back(path + " is too long");
  if (schema.contains("pattern") &&
      !std::regex_search(text, std::regex(schema["pattern"].get<std::string>(), std::regex::ECMAScript))) {
    out.push_back(path + " does not match its pattern: " + text);
  }
  if (schema.value("format", "") == "date-time" &&
      !std::regex_match(text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"))) {
    out.push_back(path + " is not a time: " + text);
  }
}

void check_number(const json& schema, const json& value, const std::string& path, Complaints& out) {
  const auto number = value.get<std::int64_t>();
  if (schema.contains("minimum") && number < schema["minimum"].get<std::int64_t>())
    out.push_back(path + " is too small");
  if (schema.contains("maximum") && number > schema["maximum"].get<std::int64_t>())
    out.push_back(path + " is too large");
}

void check(const json& schema, const json& value, const std::string& path, Complaints& out);

void check_object(const json& schema, const json& value, const std::string& path, Complaints& out) {
  const json properties = schema.value("properties", json::object());
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name.get<std::string>())) out.push_back(path + "." + name.get<std::string>() + " is missing");
  }
  for (const auto& [key, item] : value.items()) {
    if (properties.contains(key)) {
      check(properties[key], item, path + "." + key, out);
    } else if (schema.contains("additionalProperties")) {
      check(schema["additionalProperties"], item, path + "." + key, out);
    } else if (!schema.value("x-kubernetes-preserve-unknown-fields", false) && path != ".metadata") {
      out.push_back(path + "." + key + " is unknown");
    }
  }
}

void check(const json& schema, const json& value, const std::string& path, Complaints& out) {
  if (!has_type(schema, value)) return out.push_back(path + " has the wrong type");
  const json words = schema.value("enum", json::array());
  if (!words.empty() && std::find(words.begin(), words.end(), value) == words.end()) {
    out.push_back(path + " is none of the words: " + value.dump());
  }
  if (value.is_object()) check_object(schema, value, path, out);
  if (value.is_string()) check_text(schema, value.get<std::string>(), path, out);
  if (value.is_number_integer()) check_number(schema, value, path, out);
  if (!value.is_array()) return;
  if (value.size() > schema.value("maxItems", std::size_t{1} << 30)) out.push_back(path + " has too many items");
  for (const json& item : value) check(schema.at("items"), item, path + "[]", out);
}

std::vector<json> convert_all(const std::vector<YAML::Node>& nodes) {
  std::vector<json> documents;
  for (const YAML::Node& node : nodes) {
    if (!node.IsNull()) documents.push_back(convert(node));
  }
  return documents;
}

}  // namespace

std::vector<json> read_yaml(const std::string& path) {
  return convert_all(YAML::LoadAllFromFile(path));
}

std::vector<json> parse_yaml(const std::string& text) {
  return convert_all(YAML::LoadAll(text));
}

json crd() {
  return read_yaml(TRIBUTARY_ROOT "/crds/replications.tributary.dev.yaml").at(0);
}

json crd_schema() {
  return crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

std::vector<std::string> violations(const json& schema, const json& value, const std::string& path) {
  Complaints out;
  check(schema, value, path, out);
  return out;
}

}  // namespace tributary::v1alpha1::testing
