#include "operator/replication/rival.h"

#include <algorithm>
#include <set>
#include <tuple>

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

// Whether `pattern` with "*" for any letters takes `name`.
bool takes(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t letter = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (letter < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = letter;
    } else if (at < pattern.size() && pattern[at] == name[letter]) {
      ++at;
      ++letter;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      letter = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool takes(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return takes(pattern, name); });
}

// A name in one list that the other takes as well.
bool meet(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& name) { return takes(b, name); }) ||
         std::any_of(b.begin(), b.end(), [&](const auto& name) { return takes(a, name); });
}

bool whole(const Selection& selection) {
  return selection.include.empty() && selection.exclude.empty();
}

// Selected databases keep their names on the target; without a selection the target's own is written.
bool same_databases(const Spec& a, const Spec& b) {
  if (whole(a.databases) && whole(b.databases)) {
    return a.target.database == b.target.database && (!a.target.database.empty() || a.target.secret == b.target.secret);
  }
  const auto names = [](const Spec& spec) {
    return whole(spec.databases) ? std::vector<std::string>{spec.target.database} : spec.databases.include;
  };
  return meet(names(a), names(b));
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

}  // namespace

std::string rival_of(const Replication& object, const std::vector<Replication>& others) {
  if (begun(object)) return "";
  const auto found = std::find_if(others.begin(), others.end(), [&](const Replication& other) {
    return other.uid != object.uid && claims(other) && goes_first(other, object) &&
           same_server(other.spec.target, object.spec.target) && same_databases(other.spec, object.spec) &&
           same_tables(other.spec.tables, object.spec.tables);
  });
  return found == others.end() ? "" : found->name;
}

}  // namespace tributary::replication
