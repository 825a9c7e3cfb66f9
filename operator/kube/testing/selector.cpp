#include "operator/kube/testing/selector.h"

#include <algorithm>
#include <sstream>
#include <vector>

namespace tributary::kube::testing {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == separator && depth == 0) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  return parts;
}

bool among(const std::string& value, const std::string& list) {
  const std::size_t open = list.find('('), close = list.rfind(')');
  const std::vector<std::string> values = split(list.substr(open + 1, close - open - 1), ',');
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool label_matches(const Json& labels, const std::string& term) {
  const auto has = [&](const std::string& name) { return at(labels, {name}).is_string(); };
  const auto value = [&](const std::string& name) { return text_at(labels, {name}); };
  if (const auto notin = term.find(" notin "); notin != std::string::npos)
    return !among(value(term.substr(0, notin)), term.substr(notin));
  if (const auto in = term.find(" in "); in != std::string::npos)
    return has(term.substr(0, in)) && among(value(term.substr(0, in)), term.substr(in));
  if (const auto unequal = term.find("!="); unequal != std::string::npos)
    return value(term.substr(0, unequal)) != term.substr(unequal + 2);
  if (const auto equal = term.find('='); equal != std::string::npos)
    return has(term.substr(0, equal)) && value(term.substr(0, equal)) == term.substr(term.rfind('=') + 1);
  if (term.starts_with('!')) return !has(term.substr(1));
  return has(term);
}

bool field_matches(const Json& object, const std::string& term) {
  const bool unequal = term.find("!=") != std::string::npos;
  const std::string path = term.substr(0, term.find_first_of("!="));
  const std::string wanted = term.substr(term.rfind('=') + 1);
  const Json* here = &object;
  std::istringstream members(path);
  for (std::string member; std::getline(members, member, '.');) here = &at(*here, {member});
  const std::string value = here->is_string() ? here->get<std::string>() : "";
  return (value == wanted) != unequal;
}

}  // namespace

bool matches(const Json& object, const std::string& labels, const std::string& fields) {
  const std::vector<std::string> label_terms = split(labels, ','), field_terms = split(fields, ',');
  const Json& have = at(object, {"metadata", "labels"});
  return std::all_of(label_terms.begin(), label_terms.end(),
                     [&](const std::string& term) { return label_matches(have, term); }) &&
         std::all_of(field_terms.begin(), field_terms.end(),
                     [&](const std::string& term) { return field_matches(object, term); });
}

}  // namespace tributary::kube::testing
