#include "operator/replication/rival.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/base/glob.h"
#include "operator/api/validate.h"

namespace tributary::replication {
namespace {

using v1alpha1::Endpoint;
using v1alpha1::Replication;
using v1alpha1::RunResult;
using v1alpha1::Selection;
using v1alpha1::Spec;

bool same_server(const Endpoint& a, const Endpoint& b) {
  if (a.host != b.host || a.port != b.port) return false;
  return a.secret == b.secret || !a.host.empty();
}

bool takes(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob(pattern, name); });
}

// A name in one list that the other takes as well.
bool meet(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& name) { return takes(b, name); }) ||
         std::any_of(b.begin(), b.end(), [&](const auto& name) { return takes(a, name); });
}

bool whole(const Selection& selection) {
  return selection.include.empty() && selection.exclude.empty();
}

// Of a database whose name only a Secret tells, nothing is said.
bool takes(const Selection& databases, const std::string& name) {
  if (name.empty()) return false;
  return databases.include.empty() ? !takes(databases.exclude, name) : takes(databases.include, name);
}

bool takes_one(const Selection& databases, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) { return takes(databases, name); });
}

// Selected databases keep their names on the target; without a selection the target's own is written.
bool same_databases(const Spec& a, const Spec& b) {
  if (whole(a.databases) && whole(b.databases)) {
    return a.target.database == b.target.database && (!a.target.database.empty() || a.target.secret == b.target.secret);
  }
  if (whole(a.databases)) return takes(b.databases, a.target.database);
  if (whole(b.databases)) return takes(a.databases, b.target.database);
  if (a.databases.include.empty() && b.databases.include.empty()) return true;
  if (a.databases.include.empty()) return takes_one(a.databases, b.databases.include);
  if (b.databases.include.empty()) return takes_one(b.databases, a.databases.include);
  return meet(a.databases.include, b.databases.include);
}

// In three parts, as the engine reads it: without a schema it is of public.
std::string spelled(const std::string& table) {
  std::size_t dots = 0, first = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < table.size(); ++at) {
    if (table[at] == '"') quoted = !quoted;
    if (table[at] == '.' && !quoted && dots++ == 0) first = at;
  }
  return dots == 1 ? table.substr(0, first) + ".public" + table.substr(first) : table;
}

Selection spelled(const Selection& selection) {
  Selection all = selection;
  for (std::vector<std::string>* list : {&all.include, &all.exclude})
    std::transform(list->begin(), list->end(), list->begin(), [](const std::string& table) { return spelled(table); });
  return all;
}

// Whether every table of one is left out by the other.
bool left_out(const Selection& one, const Selection& other) {
  return !one.include.empty() && std::all_of(one.include.begin(), one.include.end(),
                                             [&](const auto& table) { return takes(other.exclude, table); });
}

bool same_tables(const Selection& a, const Selection& b) {
  if (!a.include.empty() && !b.include.empty()) return meet(a.include, b.include);
  return !left_out(a, b) && !left_out(b, a);
}

bool begun(const Replication& object) {
  return object.status.snapshot || object.status.sync;
}

bool released(const Replication& object) {
  return object.status.release && object.status.release->result == RunResult::succeeded;
}

// Whether it writes, or is going to.
bool claims(const Replication& object) {
  const Spec& spec = object.spec;
  if (spec.mode == v1alpha1::Mode::validate || v1alpha1::flaw_of(object)) return false;
  if (!begun(object)) return spec.state == v1alpha1::State::running && !object.deleted;
  if (v1alpha1::streams(spec.mode)) return !released(object);
  return object.status.snapshot->result != RunResult::succeeded;
}

bool goes_first(const Replication& one, const Replication& other) {
  const auto rank = [](const Replication& object) {
    return std::tuple(!begun(object), object.created.value_or(WallTime{}), object.uid);
  };
  return rank(one) < rank(other);
}

bool would_write_the_same(const Replication& object, const Replication& other) {
  return other.uid != object.uid && claims(other) && same_server(other.spec.target, object.spec.target) &&
         same_databases(other.spec, object.spec) &&
         same_tables(spelled(other.spec.tables), spelled(object.spec.tables));
}

}  // namespace

std::string rival_of(const Replication& object, const std::vector<Replication>& others) {
  if (begun(object)) return "";
  const auto found = std::find_if(others.begin(), others.end(), [&](const Replication& other) {
    return goes_first(other, object) && would_write_the_same(object, other);
  });
  return found == others.end() ? "" : found->name;
}

bool contested(const Replication& object, const std::vector<Replication>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const Replication& other) { return would_write_the_same(object, other); });
}

}  // namespace tributary::replication
