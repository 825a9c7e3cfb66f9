#include <algorithm>
#include <utility>

#include "engine/postgres/structure/definition.h"
#include "engine/postgres/structure/options.h"
#include "engine/postgres/structure/structure.h"

namespace tributary::postgres::structure {
namespace {

constexpr int knows_maintain = 17;

std::string spelt(const Privileges& privileges, const std::string& grantee) {
  std::string text;
  for (const auto& [privilege, grantable] : privileges)
    text += (text.empty() ? "" : ", ") + privilege + (grantable ? " WITH GRANT OPTION" : "");
  return text.empty() ? text : text + " to " + grantee;
}

std::string whole(const Definition& definition) {
  const bool both = !definition.text.empty() && !definition.detail.empty();
  return definition.text + (both ? " " : "") + definition.detail;
}

struct Grantee {
  std::string name;
  bool is_role;
};

// Who cannot be told what differs is told that something does.
void conceal(Difference& difference) {
  const bool differs = difference.source != difference.target;
  difference.source = without_secrets(difference.source);
  difference.target = without_secrets(difference.target);
  if (differs && difference.source == difference.target) difference.target += " with other values";
}

class Comparison {
 public:
  Comparison(const Structure& source, const Structure& target) : source_(source), target_(target) {}

  std::vector<Difference> run() {
    auto here = source_.things.begin();
    auto there = target_.things.begin();
    while (here != source_.things.end() || there != target_.things.end()) {
      const bool at_source =
          there == target_.things.end() || (here != source_.things.end() && here->first <= there->first);
      const bool at_target =
          here == source_.things.end() || (there != target_.things.end() && there->first <= here->first);
      const Key& key = at_source ? here->first : there->first;
      compare_thing(key, at_source ? &(here++)->second : nullptr, at_target ? &(there++)->second : nullptr);
    }
    for (const auto& [role, exists_at_source] : strange_roles_)
      found_.push_back({"role", role, exists_at_source ? "exists" : "", exists_at_source ? "" : "exists"});
    for (Difference& each : found_) conceal(each);
    return std::move(found_);
  }

 private:
  // Whether what the thing is part of is on this side only.
  static bool went_with_its_whole(const Thing& thing, const Structure& here, const Structure& there) {
    return thing.part_of && here.things.contains(*thing.part_of) && !there.things.contains(*thing.part_of);
  }

  bool same(const Definition& source, const Definition& target) const {
    if (!same_definition({source.text, source_.major}, {target.text, target_.major})) return false;
    const int since = std::max(source.detail_since, target.detail_since);
    return std::min(source_.major, target_.major) < since ||
           same_definition({source.detail, source_.major}, {target.detail, target_.major});
  }

  void compare_thing(const Key& key, const Thing* source, const Thing* target) {
    if (source != nullptr && source->invalid) return;
    if (source == nullptr || target == nullptr) {
      const Thing& only = source != nullptr ? *source : *target;
      const bool at_source = source != nullptr;
      if (went_with_its_whole(only, at_source ? source_ : target_, at_source ? target_ : source_)) return;
      const std::string text = whole(only.definition);
      found_.push_back({only.kind, key.object, source != nullptr ? text : "", source != nullptr ? "" : text});
      return;
    }
    if (source->kind != target->kind) {
      found_.push_back({source->kind, key.object, whole(source->definition), whole(target->definition)});
      return;
    }
    if (target->invalid || !same(source->definition, target->definition))
      found_.push_back({source->aspect, key.object, whole(source->definition),
                        (target->invalid ? "INVALID " : "") + whole(target->definition)});
    compare_aspects(key, *source, *target);
    compare_owners(key, *source, *target);
    compare_grants(key, *source, *target);
  }

  void compare_aspects(const Key& key, const Thing& source, const Thing& target) {
    std::set<std::string> names;
    for (const auto& each : source.aspects) names.insert(each.first);
    for (const auto& each : target.aspects) names.insert(each.first);
    for (const std::string& name : names) {
      const auto here = source.aspects.find(name);
      const auto there = target.aspects.find(name);
      const Definition at_source = here == source.aspects.end() ? Definition{} : here->second;
      const Definition at_target = there == target.aspects.end() ? Definition{} : there->second;
      if (!same(at_source, at_target)) found_.push_back({name, key.object, whole(at_source), whole(at_target)});
    }
  }

  // Whether both servers have the role; one that only one of them has is told.
  bool is_common(const std::string& role) {
    const bool at_source = source_.roles.contains(role);
    if (at_source != target_.roles.contains(role)) strange_roles_.emplace(role, at_source);
    return at_source && target_.roles.contains(role);
  }

  void compare_owners(const Key& key, const Thing& source, const Thing& target) {
    if (!source.owner || !target.owner || *source.owner == *target.owner) return;
    const bool source_is_common = is_common(*source.owner);
    const bool target_is_common = is_common(*target.owner);
    if (source_is_common && target_is_common) found_.push_back({"owner", key.object, *source.owner, *target.owner});
  }

  Privileges known_to_both(Privileges privileges) const {
    if (std::min(source_.major, target_.major) < knows_maintain) privileges.erase("MAINTAIN");
    return privileges;
  }

  void compare_privileges(const Key& key, const Grantee& grantee, Privileges source, Privileges target) {
    source = known_to_both(std::move(source));
    target = known_to_both(std::move(target));
    if (source == target || (grantee.is_role && !is_common(grantee.name))) return;
    found_.push_back({"grant", key.object, spelt(source, grantee.name), spelt(target, grantee.name)});
  }

  void compare_grants(const Key& key, const Thing& source, const Thing& target) {
    compare_privileges(key, {"its owner", false}, source.grants.of_owner, target.grants.of_owner);
    std::set<std::string> grantees;
    for (const auto& each : source.grants.of_roles) grantees.insert(each.first);
    for (const auto& each : target.grants.of_roles) grantees.insert(each.first);
    for (const std::string& grantee : grantees) {
      if (grantee == source.owner || grantee == target.owner) continue;
      const auto here = source.grants.of_roles.find(grantee);
      const auto there = target.grants.of_roles.find(grantee);
      compare_privileges(key, grantee.empty() ? Grantee{"PUBLIC", false} : Grantee{grantee, true},
                         here == source.grants.of_roles.end() ? Privileges{} : here->second,
                         there == target.grants.of_roles.end() ? Privileges{} : there->second);
    }
  }

  const Structure& source_;
  const Structure& target_;
  std::vector<Difference> found_;
  std::map<std::string, bool> strange_roles_;
};

}  // namespace

std::vector<Difference> compare(const Structure& source, const Structure& target) {
  return Comparison(source, target).run();
}

}  // namespace tributary::postgres::structure
