#include "engine/postgres/roles/role_gaps.h"

#include "engine/base/counted.h"

namespace tributary::postgres {

api::Finding grants_left_out(const std::string& role, std::uint64_t count, const std::string& on) {
  return {api::Severity::warning, "GrantsLeftOut", "role " + role,
          counted(count, "grant") + (on.empty() ? "" : " on " + on) +
              " to or by this role left out: it does not exist on the target",
          "create the role on the target and grant it what it needs, or let roles be copied"};
}

api::Finding owner_not_set(const std::string& owner, std::uint64_t count, const std::string& noun,
                           const TargetTraits& target) {
  const bool exists = target.roles.contains(owner);
  return {api::Severity::warning, "OwnerNotSet", "role " + owner,
          "role " + target.user + " owns " + counted(count, noun) + " of this one's on the target: it " +
              (exists ? "may not be assumed by " + target.user : std::string("does not exist there")),
          exists ? "grant " + owner + " to " + target.user + " on the target" : "create the role on the target first"};
}

}  // namespace tributary::postgres
