#include "engine/postgres/catalog/target_traits.h"

#include <string_view>

namespace tributary::postgres {
namespace {

// Ownership can be handed to a role that the session could SET ROLE to (MEMBER before 16), and work goes on where its
// rights are inherited (USAGE).
std::string roles_query(int major) {
  const std::string settable = major >= 16 ? "SET" : "MEMBER";
  return "SELECT rolname, pg_catalog.pg_has_role(oid, '" + settable +
         "') AND pg_catalog.pg_has_role(oid, 'USAGE') FROM pg_catalog.pg_roles";
}

const char* const self_query =
    "SELECT current_user, (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), "
    "coalesce((SELECT 'lz4' = ANY (enumvals) FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression'), "
    "false)";

Result<void> read_roles(Connection& target, TargetTraits& traits, const Until& until) {
  const Rows roles = TRY(target.query(roles_query(target.major_version()), until));
  for (int i = 0; i < roles.size(); ++i) {
    traits.roles.insert(roles.str(i, 0));
    if (traits.superuser || roles.boolean(i, 1)) traits.assumable.insert(roles.str(i, 0));
  }
  return {};
}

}  // namespace

Result<TargetTraits> read_target_traits(Connection& target, const Until& until) {
  TargetTraits traits;
  traits.version = target.server_version();
  traits.encoding = target.reported("server_encoding");
  const Rows self = TRY(target.query_row(self_query, {}, until));
  traits.user = self.str(0, 0);
  traits.superuser = self.boolean(0, 1);
  traits.lz4 = self.boolean(0, 2);
  TRY(read_roles(target, traits, until));
  const Rows methods = TRY(target.query("SELECT amname FROM pg_catalog.pg_am WHERE amtype = 't'", until));
  for (int i = 0; i < methods.size(); ++i) traits.access_methods.insert(methods.str(i, 0));
  const Rows extensions =
      TRY(target.query("SELECT name, version FROM pg_catalog.pg_available_extension_versions", until));
  for (int i = 0; i < extensions.size(); ++i) traits.extensions[extensions.str(i, 0)].insert(extensions.str(i, 1));
  return traits;
}

}  // namespace tributary::postgres
