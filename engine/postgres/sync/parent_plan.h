#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/model/name.h"
#include "engine/postgres/sync/renaming.h"
#include "engine/postgres/sync/shape_plan.h"
#include "engine/postgres/sync/source_sight.h"

// Which partitioned tables of the target the source calls otherwise. They hold no rows, so that the ledger knows their
// names alone: what they are is told by the partitions below them. Pure.
namespace tributary::postgres::sync {

struct TargetTree {
  std::map<model::Name, std::vector<model::Name>> above;  // a partition, nearest first
  std::set<model::Name> partitioned;
};

// The source's own identities of partitioned tables, by their names on the target.
using ParentIds = std::map<model::Name, std::uint32_t>;

// Partitioned tables that change names together: all of them or none.
struct RenamedParents {
  std::vector<Renaming> parents;
  std::vector<std::string> statements;  // none where somebody has carried them out
  std::vector<std::size_t> leaves;      // positions in `known` of those below, at any distance
};

// `ids`: as far as anybody has seen them; else one is renamed that the source does not have any more.
std::vector<RenamedParents> plan_parents(const std::vector<KnownTable>& known, const SourceSight& now,
                                         const TargetTree& there, const ParentIds& ids);

// Of those that have one name on both ends.
ParentIds ids_of_parents(const std::vector<KnownTable>& known, const SourceSight& now, const TargetTree& there);

}  // namespace tributary::postgres::sync
