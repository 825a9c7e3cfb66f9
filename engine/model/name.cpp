#include "engine/model/name.h"

#include <algorithm>

namespace tributary::model {
namespace {

bool is_plain(const std::string& part) {
  if (part.empty() || (part[0] >= '0' && part[0] <= '9')) return false;
  return std::all_of(part.begin(), part.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

std::string display_part(const std::string& part) {
  if (is_plain(part)) return part;
  std::string quoted = "\"";
  for (const char c : part) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string display(const Name& name) {
  return display_part(name.schema) + "." + display_part(name.name);
}

std::vector<std::string> displayed(const std::vector<Name>& names) {
  std::vector<std::string> texts;
  for (const Name& name : names) texts.push_back(display(name));
  return texts;
}

}  // namespace tributary::model
