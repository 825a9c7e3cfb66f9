#include "engine/postgres/roles/provider.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tributary::postgres {
namespace {

struct Service {
  Provider provider;
  std::string_view name;
  std::string_view mark;  // a role that no such server is without
  std::string_view prefix;
  std::vector<std::string_view> roles;
};

// From the services' documentation: "Understanding PostgreSQL roles and permissions" (Amazon RDS), "About PostgreSQL
// users and roles" (Cloud SQL), "Manage AlloyDB user roles", "Create users" (Azure), "Manage roles" (Neon); and from
// what their servers list in pg_roles.
const std::array<Service, 5>& services() {
  static const std::array<Service, 5> all = {
      {{Provider::rds,
        "Amazon RDS",
        "rds_superuser",
        "rds_",
        {"rds_ad", "rds_extension", "rds_iam", "rds_password", "rds_replication", "rds_reserved", "rds_superuser",
         "rdsadmin", "rdsproxyadmin", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser"}},
       {Provider::cloud_sql,
        "Cloud SQL",
        "cloudsqlsuperuser",
        "cloudsql",
        {"cloudsqladmin", "cloudsqlagent", "cloudsqlconnpooladmin", "cloudsqliamgroup",
         "cloudsqliamgroupserviceaccount", "cloudsqliamgroupuser", "cloudsqliamserviceaccount", "cloudsqliamuser",
         "cloudsqlimportexport", "cloudsqlinactiveuser", "cloudsqllogical", "cloudsqlobservability", "cloudsqlreplica",
         "cloudsqlsuperuser"}},
       {Provider::alloydb,
        "AlloyDB",
        "alloydbsuperuser",
        "alloydb",
        {"alloydbadmin", "alloydbagent", "alloydbiamgroupuser", "alloydbiamuser", "alloydbimportexport",
         "alloydbreplica", "alloydbsuperuser"}},
       {Provider::azure,
        "Azure Database",
        "azure_pg_admin",
        "azure_",
        {"azure_pg_admin", "azure_superuser", "azuresu"}},
       {Provider::neon, "Neon", "neon_superuser", "neon_", {"cloud_admin", "neon_superuser"}}}};
  return all;
}

const Service* service_of(Provider provider) {
  const auto found = std::find_if(services().begin(), services().end(),
                                  [&](const Service& each) { return each.provider == provider; });
  return found == services().end() ? nullptr : &*found;
}

}  // namespace

std::string_view name_of(Provider provider) {
  const Service* service = service_of(provider);
  return service == nullptr ? "nobody" : service->name;
}

Provider provider_of(const std::set<std::string>& roles) {
  for (const Service& service : services())
    if (roles.contains(std::string(service.mark))) return service.provider;
  return Provider::none;
}

Belonging belonging(std::string_view role, Provider provider) {
  const Service* service = service_of(provider);
  if (service == nullptr) return Belonging::users;
  if (std::find(service->roles.begin(), service->roles.end(), role) != service->roles.end()) return Belonging::provider;
  return role.starts_with(service->prefix) ? Belonging::unclear : Belonging::users;
}

}  // namespace tributary::postgres
