#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/roles/statement.h"

// The roles of a server as values, and the pure decision what a target lacks.
namespace tributary::postgres {

struct Role {
  std::string name;
  bool superuser = false;
  bool inherit = true;
  bool create_role = false;
  bool create_db = false;
  bool login = false;
  bool replication = false;
  bool bypass_rls = false;
  int connection_limit = -1;
  std::string valid_until;              // "" for ever
  std::optional<std::string> verifier;  // of the password; nothing where there is none or it cannot be read
  std::string comment;
  std::vector<std::string> settings;  // "name=value"
  bool owns_objects = false;
  bool has_grants = false;
};

struct Membership {
  std::string role;
  std::string member;
  bool admin = false;
  bool inherit = true;
  bool set = true;
};

// From 15 on: may set a parameter that only a superuser may otherwise.
struct ParameterGrant {
  std::string parameter;
  std::string grantee;    // "" for PUBLIC
  std::string privilege;  // "SET", "ALTER SYSTEM"
  bool grantable = false;
  bool operator==(const ParameterGrant&) const = default;
};

struct ServerRoles {
  int version = 0;
  std::string user;  // the connecting role
  bool reads_passwords = false;
  std::map<std::string, Role> roles;
  std::vector<Membership> memberships;
  std::vector<ParameterGrant> parameter_grants;  // but to superusers
};

Result<ServerRoles> read_server_roles(Connection& connection, const Until& until);

// By PostgreSQL: exists where it should, and nobody may create it.
bool is_predefined(const std::string& role);

std::vector<Statement> missing_roles(const ServerRoles& source, const ServerRoles& target,
                                     std::vector<api::Finding>& findings);

}  // namespace tributary::postgres
