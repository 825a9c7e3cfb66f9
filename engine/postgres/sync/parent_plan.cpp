#include "engine/postgres/sync/parent_plan.h"

#include <algorithm>
#include <utility>

namespace tributary::postgres::sync {
namespace {

using Names = std::vector<model::Name>;

// What lies above a leaf, on both ends.
struct Leaf {
  std::size_t known = 0;
  const Names* there = nullptr;
  const Names* now = nullptr;
};

// One that has another bound, or lies at another depth, was attached to where it is now.
std::vector<Leaf> leaves_of(const std::vector<KnownTable>& known, const SourceSight& now, const TargetTree& there) {
  std::vector<Leaf> leaves;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!known[i].shape || !known[i].shape->above) continue;
    const auto table = now.tables.find(known[i].shape->id);
    const auto above = there.above.find(known[i].table.name);
    if (table == now.tables.end() || above == there.above.end()) continue;
    const Names& names = table->second.catalog.partition_of;
    if (known[i].shape->bound != table->second.shape.bound || above->second.size() != names.size()) continue;
    leaves.push_back({i, &above->second, &names});
  }
  return leaves;
}

bool is_renamed(const model::Name& from, const model::Name& to, const SourceSight& now, const ParentIds& ids) {
  const auto is = now.parents.find(to);
  if (is == now.parents.end()) return false;
  const auto was = ids.find(from);
  return was == ids.end() ? !now.parents.contains(from) : was->second == is->second;
}

std::vector<Renaming> renamed(const std::vector<Leaf>& leaves, const SourceSight& now, const TargetTree& there,
                              const ParentIds& ids) {
  std::map<model::Name, std::set<model::Name>> wanted;
  for (const Leaf& leaf : leaves)
    for (std::size_t level = 0; level < leaf.now->size(); ++level)
      wanted[(*leaf.there)[level]].insert((*leaf.now)[level]);
  std::vector<Renaming> all;
  for (const auto& [from, to] : wanted)
    if (to.size() == 1 && *to.begin() != from && is_renamed(from, *to.begin(), now, ids))
      all.push_back({now.parents.at(*to.begin()), from, *to.begin()});
  std::map<model::Name, int> claims;
  for (const Renaming& each : all) ++claims[each.to];
  std::erase_if(all, [&](const Renaming& each) { return claims.at(each.to) > 1; });
  const auto is_held = [&](const Renaming& it) {
    const bool is_left =
        std::any_of(all.begin(), all.end(), [&](const Renaming& other) { return other.from == it.to; });
    return there.partitioned.contains(it.to) && !is_left;
  };
  for (auto at = all.end(); (at = std::find_if(all.begin(), all.end(), is_held)) != all.end();) all.erase(at);
  return all;
}

bool is_below(const Leaf& leaf, const std::vector<Renaming>& parents) {
  return std::any_of(parents.begin(), parents.end(), [&](const Renaming& each) {
    return std::find(leaf.there->begin(), leaf.there->end(), each.from) != leaf.there->end();
  });
}

}  // namespace

std::vector<RenamedParents> plan_parents(const std::vector<KnownTable>& known, const SourceSight& now,
                                         const TargetTree& there, const ParentIds& ids) {
  const std::vector<Leaf> leaves = leaves_of(known, now, there);
  const std::vector<Renaming> all = renamed(leaves, now, there, ids);
  std::vector<RenamedParents> groups;
  for (const std::vector<std::size_t>& members : grouped(all)) {
    RenamedParents group;
    for (const std::size_t member : members) group.parents.push_back(all[member]);
    group.statements = renaming_statements(group.parents);
    for (const Leaf& leaf : leaves)
      if (is_below(leaf, group.parents)) group.leaves.push_back(leaf.known);
    groups.push_back(std::move(group));
  }
  std::map<std::pair<model::Name, model::Name>, std::vector<std::size_t>> done;
  for (const Leaf& leaf : leaves) {
    const model::Name& recorded = *known[leaf.known].shape->above;
    if (leaf.there->front() == leaf.now->front() && leaf.now->front() != recorded &&
        now.parents.contains(leaf.now->front()))
      done[{recorded, leaf.now->front()}].push_back(leaf.known);
  }
  for (auto& [names, below] : done)
    groups.push_back({{{now.parents.at(names.second), names.first, names.second}}, {}, std::move(below)});
  return groups;
}

ParentIds ids_of_parents(const std::vector<KnownTable>& known, const SourceSight& now, const TargetTree& there) {
  ParentIds ids;
  for (const Leaf& leaf : leaves_of(known, now, there)) {
    if (*leaf.there != *leaf.now) continue;
    for (const model::Name& each : *leaf.now) {
      const auto id = now.parents.find(each);
      if (id != now.parents.end()) ids.insert(*id);
    }
  }
  return ids;
}

}  // namespace tributary::postgres::sync
