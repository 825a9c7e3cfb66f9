#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/roles/role_facts.h"

namespace tributary::postgres {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Role role(const std::string& name) {
  Role made;
  made.name = name;
  return made;
}

ServerRoles server(int version, const Role& self, const std::vector<Role>& others) {
  ServerRoles result;
  result.version = version;
  result.user = self.name;
  result.reads_passwords = true;
  result.roles[self.name] = self;
  for (const Role& other : others) result.roles[other.name] = other;
  return result;
}

Role superuser() {
  Role made = role("postgres");
  made.superuser = true;
  return made;
}

Role creator() {
  Role made = role("admin");
  made.create_role = true;
  return made;
}

std::vector<std::string> sql_of(const std::vector<Statement>& statements) {
  std::vector<std::string> sql;
  for (const Statement& statement : statements) sql.push_back(statement.sql);
  return sql;
}

std::vector<std::string> codes(const std::vector<api::Finding>& findings) {
  std::vector<std::string> result;
  for (const api::Finding& finding : findings) result.push_back(finding.code);
  return result;
}

Role user_of(const std::string& name) {
  Role made = role(name);
  made.login = true;
  return made;
}

TEST(Roles, bring_their_grants_on_parameters) {
  ServerRoles source = server(170000, superuser(), {role("app"), role("old")});
  source.parameter_grants = {{"log_min_messages", "app", "SET", true},
                             {"app.\"x", "app", "ALTER SYSTEM"},
                             {"work_mem", "", "SET"},
                             {"log_min_messages", "old", "SET"},
                             {"wal_level", "old", "SET"}};
  ServerRoles target = server(180000, superuser(), {role("old")});
  target.parameter_grants = {{"wal_level", "old", "SET"}};
  std::vector<api::Finding> findings;
  const std::vector<std::string> sql = sql_of(missing_roles(source, target, findings));
  EXPECT_THAT(sql, Contains("GRANT SET ON PARAMETER \"log_min_messages\" TO \"app\" WITH GRANT OPTION"));
  EXPECT_THAT(sql, Contains("GRANT ALTER SYSTEM ON PARAMETER \"app\".\"\"\"x\" TO \"app\""));
  EXPECT_THAT(sql, Contains("GRANT SET ON PARAMETER \"work_mem\" TO PUBLIC"));
  EXPECT_EQ(sql.size(), 4U);
  ASSERT_THAT(codes(findings), ElementsAre("GrantsLeftOut"));
  EXPECT_EQ(findings.front().subject, "role old");
  EXPECT_THAT(findings.front().message, ::testing::HasSubstr("1 grant on parameters"));
}

TEST(Roles, lose_their_grants_on_parameters_on_a_server_that_knows_none_and_say_so) {
  ServerRoles source = server(150000, superuser(), {role("app")});
  source.parameter_grants = {{"log_min_messages", "app", "SET"}, {"wal_level", "app", "SET"}, {"work_mem", "", "SET"}};
  std::vector<api::Finding> findings;
  EXPECT_EQ(missing_roles(source, server(140000, superuser(), {}), findings).size(), 1U);
  ASSERT_THAT(codes(findings), ElementsAre("GrantsLeftOut", "GrantsLeftOut"));
  EXPECT_EQ(findings[0].subject, "PUBLIC");
  EXPECT_EQ(findings[1].subject, "role app");
}

TEST(Roles, that_are_predefined_or_the_providers_are_passed_over) {
  const ServerRoles source = server(150000, user_of("master"),
                                    {role("pg_monitor"), user_of("rdsadmin"), role("rds_superuser"), role("rds_new")});
  std::vector<api::Finding> findings;
  EXPECT_THAT(missing_roles(source, server(150000, superuser(), {user_of("master")}), findings), IsEmpty());
  EXPECT_THAT(findings, IsEmpty());
}

TEST(Roles, that_look_like_a_providers_are_a_users_where_no_provider_is) {
  const ServerRoles source =
      server(150000, superuser(),
             {user_of("aws_uploader"), user_of("rds_reader"), user_of("cloud_admin"), user_of("neon_app")});
  std::vector<api::Finding> findings;
  EXPECT_EQ(missing_roles(source, server(150000, superuser(), {}), findings).size(), 4U);
  EXPECT_THAT(findings, IsEmpty());
}

TEST(Roles, that_look_like_the_providers_and_are_in_use_are_left_out_and_named) {
  Role owner = role("rds_owner");
  owner.owns_objects = true;
  Role granted = role("rds_granted");
  granted.has_grants = true;
  const std::vector<Role> doubtful = {user_of("rds_reader"), owner, granted};
  std::vector<Role> managed = doubtful;
  managed.push_back(role("rds_superuser"));
  std::vector<api::Finding> findings;
  EXPECT_THAT(missing_roles(server(150000, superuser(), managed), server(150000, superuser(), {}), findings),
              IsEmpty());
  EXPECT_THAT(codes(findings), ElementsAre("RoleLeftOut", "RoleLeftOut", "RoleLeftOut"));
  EXPECT_THAT(findings.back().message, ::testing::HasSubstr("Amazon RDS"));
  // The target's provider may refuse such a name, and all roles with it.
  findings.clear();
  EXPECT_THAT(missing_roles(server(150000, superuser(), doubtful), server(150000, superuser(), {role("rds_superuser")}),
                            findings),
              IsEmpty());
  EXPECT_EQ(findings.size(), 3U);
}

TEST(Roles, are_created_with_all_attributes_by_a_superuser) {
  Role app = role("App \"x\"");
  app.login = true;
  app.inherit = false;
  app.create_db = true;
  app.replication = true;
  app.connection_limit = 5;
  app.valid_until = "2030-01-01 00:00:00.000000+00";
  app.verifier = "SCRAM-SHA-256$4096:abc'";
  app.comment = "it's";
  app.settings = {"work_mem=8MB"};
  std::vector<api::Finding> findings;
  const auto statements = missing_roles(server(150000, superuser(), {app}), server(180000, superuser(), {}), findings);
  EXPECT_THAT(sql_of(statements),
              ElementsAre("CREATE ROLE \"App \"\"x\"\"\" CREATEDB REPLICATION LOGIN NOINHERIT CONNECTION LIMIT 5 VALID "
                          "UNTIL '2030-01-01 00:00:00.000000+00'",
                          "ALTER ROLE \"App \"\"x\"\"\" PASSWORD 'SCRAM-SHA-256$4096:abc'''",
                          "ALTER ROLE \"App \"\"x\"\"\" SET \"work_mem\" = '8MB'",
                          "COMMENT ON ROLE \"App \"\"x\"\"\" IS 'it''s'"));
  EXPECT_THAT(findings, IsEmpty());
}

TEST(Roles, lose_the_attributes_that_the_target_may_not_give_and_say_so) {
  Role app = role("app");
  app.superuser = app.replication = app.create_db = true;
  std::vector<api::Finding> findings;
  const auto old = missing_roles(server(150000, superuser(), {app}), server(150000, creator(), {}), findings);
  EXPECT_EQ(old.front().sql, "CREATE ROLE \"app\" CREATEDB NOLOGIN INHERIT");
  const auto fresh = missing_roles(server(150000, superuser(), {app}), server(160000, creator(), {}), findings);
  EXPECT_EQ(fresh.front().sql, "CREATE ROLE \"app\" NOLOGIN INHERIT");
  EXPECT_THAT(codes(findings), Contains("RoleAttributeLeftOut"));
}

TEST(Roles, that_the_target_has_are_kept_as_they_are) {
  Role here = role("app");
  here.login = here.create_db = true;
  std::vector<api::Finding> findings;
  EXPECT_THAT(missing_roles(server(150000, superuser(), {here}), server(150000, superuser(), {role("app")}), findings),
              IsEmpty());
  ASSERT_THAT(codes(findings), ElementsAre("RoleDiffers"));
  EXPECT_NE(findings.front().message.find("LOGIN, CREATEDB"), std::string::npos);
}

TEST(Roles, are_reported_when_the_target_may_not_create_any) {
  std::vector<api::Finding> findings;
  EXPECT_THAT(missing_roles(server(150000, superuser(), {role("app")}), server(150000, role("nobody"), {}), findings),
              IsEmpty());
  EXPECT_THAT(codes(findings), ElementsAre("RolesNotCreated"));
}

TEST(Roles, keep_their_memberships_with_the_options_of_16) {
  ServerRoles source = server(160000, superuser(), {role("group"), role("member")});
  source.memberships = {{"group", "member", true, false, true}, {"pg_monitor", "member"}, {"rds_superuser", "member"}};
  Role predefined = role("pg_monitor");
  std::vector<api::Finding> findings;
  auto fresh = sql_of(missing_roles(source, server(180000, superuser(), {predefined}), findings));
  EXPECT_THAT(fresh, Contains(R"(GRANT "group" TO "member" WITH ADMIN TRUE, INHERIT FALSE, SET TRUE)"));
  EXPECT_THAT(fresh, Contains(R"(GRANT "pg_monitor" TO "member" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE)"));
  EXPECT_EQ(fresh.size(), 4U);
  auto old = sql_of(missing_roles(source, server(150000, superuser(), {}), findings));
  EXPECT_THAT(old, Contains(R"(GRANT "group" TO "member" WITH ADMIN OPTION)"));
}

TEST(Roles, that_own_something_are_made_assumable_by_a_creator_who_is_no_superuser) {
  Role owner = role("owner");
  owner.owns_objects = true;
  std::vector<api::Finding> findings;
  EXPECT_THAT(sql_of(missing_roles(server(150000, superuser(), {owner}), server(160000, creator(), {}), findings)),
              Contains(R"(GRANT "owner" TO "admin" WITH INHERIT TRUE, SET TRUE)"));
  EXPECT_THAT(sql_of(missing_roles(server(150000, superuser(), {owner}), server(160000, superuser(), {}), findings)),
              Not(Contains(::testing::HasSubstr("TO \"postgres\""))));
}

TEST(Roles, whose_passwords_cannot_be_read_are_named) {
  Role app = role("app");
  app.login = true;
  ServerRoles source = server(150000, role("reader"), {app});
  source.reads_passwords = false;
  std::vector<api::Finding> findings;
  missing_roles(source, server(150000, superuser(), {role("reader")}), findings);
  EXPECT_THAT(codes(findings), Contains("PasswordsNotReadable"));
}

}  // namespace
}  // namespace tributary::postgres
