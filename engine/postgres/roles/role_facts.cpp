#include "engine/postgres/roles/role_facts.h"

namespace tributary::postgres {
namespace {

constexpr int first_major_with_parameter_grants = 15;

// Whether something depends on the role as its owner ("o") or by a grant to it ("a").
std::string depends(const std::string& how) {
  return "EXISTS (SELECT FROM pg_catalog.pg_shdepend d WHERE d.deptype = '" + how +
         "' AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = r.oid)";
}

std::string roles_query(bool passwords) {
  return std::string(
             "SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, "
             "r.rolreplication, r.rolbypassrls, r.rolconnlimit, CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) "
             "THEN pg_catalog.to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' END, "
             "pg_catalog.shobj_description(r.oid, 'pg_authid'), ") +
         depends("o") + ", " + depends("a") + ", " +
         (passwords ? "(SELECT a.rolpassword FROM pg_catalog.pg_authid a WHERE a.oid = r.oid)" : "NULL::text") +
         " FROM pg_catalog.pg_roles r";
}

// Before 16 a membership's inheritance is the member's attribute, and SET ROLE is always allowed.
std::string memberships_query(int major) {
  const std::string options =
      major >= 16 ? "bool_or(m.inherit_option), bool_or(m.set_option)" : "bool_or(u.rolinherit), true";
  return "SELECT r.rolname, u.rolname, bool_or(m.admin_option), " + options +
         " FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid "
         "JOIN pg_catalog.pg_roles u ON u.oid = m.member GROUP BY 1, 2 ORDER BY 1, 2";
}

const char* const settings_query =
    "SELECT r.rolname, s FROM pg_catalog.pg_db_role_setting d JOIN pg_catalog.pg_roles r ON r.oid = d.setrole "
    "CROSS JOIN LATERAL pg_catalog.unnest(d.setconfig) WITH ORDINALITY AS c (s, n) WHERE d.setdatabase = 0 ORDER BY 1, "
    "n";

const char* const parameter_grants_query =
    "SELECT p.parname, r.rolname, a.privilege_type, a.is_grantable FROM pg_catalog.pg_parameter_acl p "
    "CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee "
    "WHERE r.rolsuper IS NOT TRUE AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 2, 1, 3";

Role role_of(const Rows& rows, int i) {
  Role role;
  role.name = rows.str(i, 0);
  role.superuser = rows.boolean(i, 1);
  role.inherit = rows.boolean(i, 2);
  role.create_role = rows.boolean(i, 3);
  role.create_db = rows.boolean(i, 4);
  role.login = rows.boolean(i, 5);
  role.replication = rows.boolean(i, 6);
  role.bypass_rls = rows.boolean(i, 7);
  role.connection_limit = static_cast<int>(rows.integer(i, 8));
  role.valid_until = rows.str(i, 9);
  role.comment = rows.str(i, 10);
  role.owns_objects = rows.boolean(i, 11);
  role.has_grants = rows.boolean(i, 12);
  role.verifier = rows.maybe(i, 13);
  return role;
}

Result<void> read_settings(Connection& connection, ServerRoles& result, const Until& until) {
  const Rows settings = TRY(connection.query(settings_query, until));
  for (int i = 0; i < settings.size(); ++i) {
    const auto role = result.roles.find(settings.str(i, 0));
    if (role != result.roles.end()) role->second.settings.push_back(settings.str(i, 1));
  }
  return {};
}

Result<void> read_parameter_grants(Connection& connection, ServerRoles& result, const Until& until) {
  if (connection.major_version() < first_major_with_parameter_grants) return {};
  const Rows grants = TRY(connection.query(parameter_grants_query, until));
  for (int i = 0; i < grants.size(); ++i)
    result.parameter_grants.push_back({grants.str(i, 0), grants.str(i, 1), grants.str(i, 2), grants.boolean(i, 3)});
  return {};
}

}  // namespace

Result<ServerRoles> read_server_roles(Connection& connection, const Until& until) {
  ServerRoles result;
  result.version = connection.server_version();
  const Rows self = TRY(connection.query_row(
      "SELECT current_user, pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT')", {},
      until));
  result.user = self.str(0, 0);
  result.reads_passwords = self.boolean(0, 1);
  const Rows roles = TRY(connection.query(roles_query(result.reads_passwords), until));
  for (int i = 0; i < roles.size(); ++i) result.roles[roles.str(i, 0)] = role_of(roles, i);
  const Rows members = TRY(connection.query(memberships_query(connection.major_version()), until));
  for (int i = 0; i < members.size(); ++i) {
    result.memberships.push_back(
        {members.str(i, 0), members.str(i, 1), members.boolean(i, 2), members.boolean(i, 3), members.boolean(i, 4)});
  }
  TRY(read_settings(connection, result, until));
  TRY(read_parameter_grants(connection, result, until));
  return result;
}

}  // namespace tributary::postgres
