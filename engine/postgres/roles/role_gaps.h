#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/api/report.h"
#include "engine/postgres/catalog/target_traits.h"

// What of a source's roles a target cannot be given. Pure.
namespace tributary::postgres {

// Counted by role.
struct RoleGaps {
  std::map<std::string, std::uint64_t> grants;  // to or by a role that the target lacks
  std::map<std::string, std::uint64_t> owners;  // objects that stay the property of the target's user
};

// `on` what: "large objects", "database shop", or "" for what the schema holds.
api::Finding grants_left_out(const std::string& role, std::uint64_t count, const std::string& on);

// `noun`: what it owns so many of: "object", "large object".
api::Finding owner_not_set(const std::string& owner, std::uint64_t count, const std::string& noun,
                           const TargetTraits& target);

}  // namespace tributary::postgres
