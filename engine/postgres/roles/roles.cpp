#include "engine/postgres/roles/roles.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "engine/base/counted.h"
#include "engine/postgres/client/condition.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/roles/provider.h"
#include "engine/postgres/roles/role_facts.h"
#include "engine/postgres/roles/settings.h"

namespace tributary::postgres {
namespace {

// What a role may hand out: a superuser everything; others, from 16 on, what they have themselves; before that neither
// REPLICATION nor BYPASSRLS (chapter "CREATE ROLE", and CreateRole in src/backend/commands/user.c).
struct Rights {
  bool superuser = false;
  bool create_db = false;
  bool replication = false;
  bool bypass_rls = false;
};

Rights rights_of(const ServerRoles& target) {
  const auto found = target.roles.find(target.user);
  if (found == target.roles.end()) return {};
  const Role& self = found->second;
  if (self.superuser) return {true, true, true, true};
  if (target.version < 160000) return {false, true, false, false};
  return {false, self.create_db, self.replication, self.bypass_rls};
}

Provider provider_behind(const ServerRoles& server) {
  std::set<std::string> names;
  for (const auto& [name, role] : server.roles) names.insert(name);
  return provider_of(names);
}

bool may_create_roles(const ServerRoles& target) {
  const auto found = target.roles.find(target.user);
  return found != target.roles.end() && (found->second.superuser || found->second.create_role);
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Each part of a customized name by itself: "app.level".
std::string quote_parameter(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return quote_identifier(name);
  return quote_identifier(name.substr(0, dot)) + "." + quote_parameter(name.substr(dot + 1));
}

constexpr int attempts_at_most = 5;

// What a statement about a role fails with when another engine makes the same at the same time: the role exists, or
// each waits for the other.
bool is_made_by_another(std::string_view sqlstate) {
  return sqlstate == "42710" || sqlstate == "40P01" || is_race_in_catalog(sqlstate);
}

class Missing {
 public:
  Missing(const ServerRoles& source, const ServerRoles& target, std::vector<api::Finding>& findings)
      : source_(source),
        target_(target),
        findings_(findings),
        rights_(rights_of(target)),
        source_provider_(provider_behind(source)),
        target_provider_(provider_behind(target)) {}

  std::vector<Statement> decide() {
    choose();
    if (!created_.empty() && !may_create_roles(target_)) {
      findings_.push_back({api::Severity::warning, "RolesNotCreated", "target",
                           target_.user + " may not create roles, so these are missing: " + list(names()),
                           "grant it CREATEROLE, create the roles by hand, or leave roles out"});
      return {};
    }
    for (const Role* role : created_) create(*role);
    if (!rights_.superuser) {
      for (const Role* role : created_) assume(*role);
    }
    for (const Membership& membership : source_.memberships) grant(membership);
    for (const Role* role : created_) describe(*role);
    grant_parameters();
    report_passwords();
    return std::move(statements_);
  }

 private:
  void choose() {
    for (const auto& [name, role] : source_.roles) {
      if (is_predefined(name) || belonging(name, source_provider_) == Belonging::provider) continue;
      const auto there = target_.roles.find(name);
      if (there != target_.roles.end()) {
        compare(role, there->second);
      } else if (is_foreign(name)) {
        leave_out(role);
      } else {
        created_.push_back(&role);
      }
    }
  }

  // Neither copied nor given to others: it exists where it should.
  bool is_foreign(const std::string& name) const {
    return is_predefined(name) || belonging(name, source_provider_) != Belonging::users ||
           belonging(name, target_provider_) != Belonging::users;
  }

  void leave_out(const Role& role) {
    if (!role.login && !role.owns_objects && !role.has_grants) return;
    const bool here = belonging(role.name, source_provider_) != Belonging::users;
    findings_.push_back({api::Severity::warning, "RoleLeftOut", "role " + role.name,
                         "it is not copied, for it bears a name as " +
                             std::string(name_of(here ? source_provider_ : target_provider_)) + "'s own roles do",
                         "if it is yours, create a role of another name on the target"});
  }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const Role* role : created_) result.push_back(role->name);
    return result;
  }

  bool is_created(const std::string& name) const {
    return std::any_of(created_.begin(), created_.end(), [&](const Role* role) { return role->name == name; });
  }

  void add(const std::string& object, const std::string& sql, bool optional) {
    statements_.push_back({object, sql, optional});
  }

  void compare(const Role& role, const Role& there) {
    std::vector<std::string> lacking;
    if (role.superuser && !there.superuser) lacking.emplace_back("SUPERUSER");
    if (role.login && !there.login) lacking.emplace_back("LOGIN");
    if (role.create_db && !there.create_db) lacking.emplace_back("CREATEDB");
    if (role.create_role && !there.create_role) lacking.emplace_back("CREATEROLE");
    if (role.replication && !there.replication) lacking.emplace_back("REPLICATION");
    if (role.bypass_rls && !there.bypass_rls) lacking.emplace_back("BYPASSRLS");
    if (lacking.empty() || there.superuser) return;
    findings_.push_back({api::Severity::warning, "RoleDiffers", "role " + role.name,
                         "exists on the target, without " + list(lacking) + ", and is kept as it is",
                         "alter it on the target if it should have them"});
  }

  void create(const Role& role) {
    std::string sql = "CREATE ROLE " + quote_identifier(role.name);
    std::vector<std::string> left_out;
    const auto attribute = [&](bool wanted, bool allowed, const char* word) {
      if (wanted && allowed) sql += std::string(" ") + word;
      if (wanted && !allowed) left_out.emplace_back(word);
    };
    attribute(role.superuser, rights_.superuser, "SUPERUSER");
    attribute(role.create_db, rights_.create_db, "CREATEDB");
    attribute(role.create_role, true, "CREATEROLE");
    attribute(role.replication, rights_.replication, "REPLICATION");
    attribute(role.bypass_rls, rights_.bypass_rls, "BYPASSRLS");
    sql += role.login ? " LOGIN" : " NOLOGIN";
    sql += role.inherit ? " INHERIT" : " NOINHERIT";
    if (role.connection_limit != -1) sql += " CONNECTION LIMIT " + std::to_string(role.connection_limit);
    if (!role.valid_until.empty()) sql += " VALID UNTIL " + quote_literal(role.valid_until);
    add("role " + role.name, sql, false);
    if (!left_out.empty()) {
      findings_.push_back({api::Severity::warning, "RoleAttributeLeftOut", "role " + role.name,
                           "created without " + list(left_out) + ", which " + target_.user + " may not give", ""});
    }
    if (role.verifier) {
      add("password of role " + role.name,
          "ALTER ROLE " + quote_identifier(role.name) + " PASSWORD " + quote_literal(*role.verifier), true);
    }
  }

  // Without being a member of it, only a superuser can give a role what it owned on the source.
  void assume(const Role& role) {
    if (!role.owns_objects || role.superuser) return;
    const std::string options = target_.version >= 160000 ? " WITH INHERIT TRUE, SET TRUE" : "";
    add("membership of " + target_.user + " in role " + role.name,
        "GRANT " + quote_identifier(role.name) + " TO " + quote_identifier(target_.user) + options, true);
  }

  void grant(const Membership& membership) {
    const bool involves_created = is_created(membership.role) || is_created(membership.member);
    const auto exists = [&](const std::string& name) { return target_.roles.contains(name) || is_created(name); };
    if (!involves_created || !exists(membership.role) || !exists(membership.member)) return;
    // Predefined roles are granted as on the source; who belongs to a provider's roles is the provider's affair.
    if (is_foreign(membership.member)) return;
    if (is_foreign(membership.role) && !is_predefined(membership.role)) return;
    std::string sql = "GRANT " + quote_identifier(membership.role) + " TO " + quote_identifier(membership.member);
    if (target_.version >= 160000) {
      const auto word = [](bool value) { return value ? "TRUE" : "FALSE"; };
      sql += std::string(" WITH ADMIN ") + word(membership.admin) + ", INHERIT " + word(membership.inherit) + ", SET " +
             word(membership.set);
    } else if (membership.admin) {
      sql += " WITH ADMIN OPTION";
    }
    add("membership of " + membership.member + " in role " + membership.role, sql, !rights_.superuser);
  }

  void describe(const Role& role) {
    for (const std::string& setting : role.settings) {
      const std::string words = assignment(setting);
      if (words.empty()) continue;
      // A setting that the target's version no longer knows, or that only a superuser may give, is no reason to fail.
      add("setting " + setting.substr(0, setting.find('=')) + " of role " + role.name,
          "ALTER ROLE " + quote_identifier(role.name) + " SET " + words, true);
    }
    if (!role.comment.empty()) {
      add("comment on role " + role.name,
          "COMMENT ON ROLE " + quote_identifier(role.name) + " IS " + quote_literal(role.comment), true);
    }
  }

  // A role that was there keeps the grants that it has.
  void grant_parameters() {
    std::map<std::string, std::uint64_t> left_out;
    for (const ParameterGrant& grant : source_.parameter_grants) {
      const bool to_public = grant.grantee.empty();
      if (!to_public && !is_predefined(grant.grantee) && is_foreign(grant.grantee)) continue;
      if (has(grant)) continue;
      if (target_.version < 150000 || (!to_public && !is_created(grant.grantee))) {
        ++left_out[to_public ? "PUBLIC" : "role " + grant.grantee];
        continue;
      }
      add("grant on parameter " + grant.parameter + " to " + (to_public ? "PUBLIC" : "role " + grant.grantee),
          "GRANT " + grant.privilege + " ON PARAMETER " + quote_parameter(grant.parameter) + " TO " +
              (to_public ? "PUBLIC" : quote_identifier(grant.grantee)) + (grant.grantable ? " WITH GRANT OPTION" : ""),
          true);
    }
    for (const auto& [role, count] : left_out)
      findings_.push_back(
          {api::Severity::warning, "GrantsLeftOut", role,
           counted(count, "grant") + " on parameters left out: " +
               (target_.version < 150000 ? "the target's version knows none" : "on the target it is kept as it is"),
           "GRANT SET ON PARAMETER ... on the target if it should have them"});
  }

  bool has(const ParameterGrant& grant) const {
    const auto there = target_.roles.find(grant.grantee);
    if (there != target_.roles.end() && there->second.superuser) return true;
    const std::vector<ParameterGrant>& grants = target_.parameter_grants;
    return std::find(grants.begin(), grants.end(), grant) != grants.end();
  }

  void report_passwords() {
    if (source_.reads_passwords) return;
    std::vector<std::string> without;
    for (const Role* role : created_) {
      if (role->login) without.push_back(role->name);
    }
    if (without.empty()) return;
    findings_.push_back({api::Severity::warning, "PasswordsNotReadable", "source",
                         "the source does not show " + source_.user +
                             " the verifiers of passwords, so these roles have none on the target: " + list(without),
                         "set their passwords on the target"});
  }

  const ServerRoles& source_;
  const ServerRoles& target_;
  std::vector<api::Finding>& findings_;
  Rights rights_;
  Provider source_provider_;
  Provider target_provider_;
  std::vector<const Role*> created_;
  std::vector<Statement> statements_;
};

Result<std::vector<api::Finding>> create_all(Connection& source, Connection& target, const Until& until) {
  std::vector<api::Finding> findings;
  const std::vector<Statement> statements = TRY(role_statements(source, target, findings, until));
  if (statements.empty()) return findings;
  const auto may_be_left_out = [](std::string_view sqlstate) {
    return is_refusal(sqlstate) && !is_made_by_another(sqlstate);
  };
  TRY(target.execute("BEGIN", until));
  std::vector<api::Finding> skipped = TRY(carry_out(target, statements, "RoleSkipped", may_be_left_out, until));
  TRY(target.execute("COMMIT", until));
  std::move(skipped.begin(), skipped.end(), std::back_inserter(findings));
  return findings;
}

}  // namespace

bool is_predefined(const std::string& role) {
  return role.starts_with("pg_");
}

std::vector<Statement> missing_roles(const ServerRoles& source, const ServerRoles& target,
                                     std::vector<api::Finding>& findings) {
  return Missing(source, target, findings).decide();
}

Result<std::vector<Statement>> role_statements(Connection& source, Connection& target,
                                               std::vector<api::Finding>& findings, const Until& until) {
  const ServerRoles wanted = TRY(read_server_roles(source, until));
  const ServerRoles there = TRY(read_server_roles(target, until));
  return missing_roles(wanted, there, findings);
}

Result<std::vector<api::Finding>> copy_roles(Connection& source, Connection& target, const Until& until) {
  for (int attempt = 1;; ++attempt) {
    Result<std::vector<api::Finding>> created = create_all(source, target, until);
    if (created) return created;
    const bool again = is_made_by_another(target.sqlstate()) && attempt < attempts_at_most;
    target.roll_back();
    if (!again) return created;
  }
}

}  // namespace tributary::postgres
