#pragma once

#include <set>
#include <string>
#include <string_view>

// Who runs a server: a service has roles of its own, and rights have other names there. Pure.
namespace tributary::postgres {

enum class Provider { none, rds, cloud_sql, alloydb, azure, neon };

// "Amazon RDS".
std::string_view name_of(Provider provider);

// Told by the roles that only its service has; `roles` are all of a server.
Provider provider_of(const std::set<std::string>& roles);

// Whose a role of a provider's server is, as far as its name tells.
enum class Belonging {
  users,
  provider,  // one of those that are known
  unclear,   // begins as the provider's do, and is none of those: new to us, or a user's after all
};
Belonging belonging(std::string_view role, Provider provider);

}  // namespace tributary::postgres
