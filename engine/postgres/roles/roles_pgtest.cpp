#include "engine/postgres/roles/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/roles/database_statements.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

Connection connect(const std::string& uri) {
  auto connection = Connection::open(parse_conninfo(uri).value(), {}, soon());
  if (!connection) throw std::runtime_error(connection.error().what);
  return std::move(connection).value();
}

std::vector<std::string> carry_out(Connection& target, const std::vector<Statement>& statements) {
  std::vector<std::string> failures;
  for (const Statement& statement : statements) {
    const auto done = target.execute(statement.sql, soon());
    if (!done) failures.push_back(statement.object + ": " + done.error().what);
    if (!done && !statement.optional) throw std::runtime_error(failures.back());
  }
  return failures;
}

constexpr const char* roles_of_the_test =
    "CREATE ROLE test_group NOINHERIT; COMMENT ON ROLE test_group IS 'it''s a group';"
    "CREATE ROLE \"Test \"\"Mixed\"\" ünï\" LOGIN PASSWORD 'pass;word''s' CONNECTION LIMIT 3 VALID UNTIL '2040-01-02 "
    "03:04:05.678+00';"
    "CREATE ROLE test_forever CREATEDB CREATEROLE REPLICATION BYPASSRLS VALID UNTIL 'infinity';"
    "CREATE ROLE test_super SUPERUSER;"
    "GRANT test_group TO \"Test \"\"Mixed\"\" ünï\" WITH ADMIN OPTION; GRANT pg_monitor TO test_group;"
    "ALTER ROLE test_group SET search_path = \"$user\", public, \"Mixed, \"\"Case\";"
    "ALTER ROLE test_group SET app.note = 'it''s = \"x\", y';"
    "ALTER ROLE test_forever SET work_mem = '8MB'";

constexpr const char* roles_as_lines =
    "SELECT format('%s', ARRAY[rolname::text, rolsuper::text, rolinherit::text, rolcreaterole::text, "
    "rolcreatedb::text, "
    "rolcanlogin::text, rolreplication::text, rolbypassrls::text, rolconnlimit::text, "
    "CASE WHEN isfinite(rolvaliduntil) THEN rolvaliduntil::text END, rolpassword, "
    "shobj_description(oid, 'pg_authid'), (SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = a.oid AND "
    "setdatabase = 0), "
    "(SELECT string_agg(r.rolname || m.admin_option, ',' ORDER BY 1) FROM pg_auth_members m JOIN pg_roles r ON r.oid = "
    "m.roleid WHERE m.member = a.oid)]) "
    "FROM pg_authid a WHERE rolname ~* '^test_|^Test ' ORDER BY 1";

std::vector<std::string> lines(testbed::PostgresServer& server) {
  std::vector<std::string> result;
  for (const auto& row : server.query("postgres", std::string("SET TimeZone = 'UTC'; ") + roles_as_lines)) {
    result.push_back(row[0].value_or(""));
  }
  return result;
}

TEST(RolesOnServers, arrive_with_all_they_had) {
  testbed::PostgresServer& from = testbed::server(13);
  from.exec("postgres", roles_of_the_test);
  for (const int major : {15, 18}) {
    testbed::PostgresServer& to = testbed::server(major);
    Connection source = connect(from.uri("postgres"));
    Connection target = connect(to.uri("postgres"));
    std::vector<api::Finding> findings;
    const auto statements = role_statements(source, target, findings, soon());
    ASSERT_TRUE(statements) << statements.error().what;
    EXPECT_THAT(carry_out(target, *statements), ::testing::IsEmpty());
    EXPECT_EQ(lines(to), lines(from));
    const auto again = role_statements(source, target, findings, soon());
    ASSERT_TRUE(again);
    EXPECT_THAT(*again, ::testing::IsEmpty());
  }
}

TEST(RolesOnServers, bring_their_grants_on_parameters) {
  testbed::PostgresServer& from = testbed::server(15);
  testbed::PostgresServer& to = testbed::server(18);
  from.exec("postgres",
            "CREATE ROLE parameter_user; GRANT SET ON PARAMETER log_min_messages TO parameter_user WITH GRANT OPTION;"
            "GRANT SET, ALTER SYSTEM ON PARAMETER app.level TO parameter_user");
  Connection source = connect(from.uri("postgres"));
  Connection target = connect(to.uri("postgres"));
  std::vector<api::Finding> findings;
  const auto statements = role_statements(source, target, findings, soon());
  ASSERT_TRUE(statements) << statements.error().what;
  EXPECT_THAT(carry_out(target, *statements), ::testing::IsEmpty());
  const char* grants =
      "SELECT string_agg(parname || ' ' || a.privilege_type || ' ' || a.is_grantable, ',' ORDER BY parname COLLATE "
      "\"C\", a.privilege_type)"
      " FROM pg_parameter_acl, aclexplode(paracl) a WHERE a.grantee = 'parameter_user'::regrole";
  EXPECT_EQ(to.scalar("postgres", grants), from.scalar("postgres", grants));
  EXPECT_THAT(to.scalar("postgres", grants), ::testing::StartsWith("app.level ALTER SYSTEM false,app.level SET"));
  for (testbed::PostgresServer* each : {&from, &to})
    each->exec("postgres", "DROP OWNED BY parameter_user; DROP ROLE parameter_user");
}

TEST(RolesOnServers, are_created_as_far_as_a_role_like_that_of_a_managed_server_may) {
  testbed::PostgresServer& from = testbed::server(17);
  testbed::PostgresServer& to = testbed::server(16);
  from.exec("postgres", "CREATE ROLE managed_owner NOLOGIN; CREATE ROLE managed_super SUPERUSER LOGIN PASSWORD 'x'");
  const testbed::Database owned = from.create_database("owned");
  owned.exec("CREATE TABLE t (); ALTER TABLE t OWNER TO managed_owner");
  to.exec("postgres", "CREATE ROLE managed_admin LOGIN CREATEROLE CREATEDB PASSWORD 'secret'");
  Connection source = connect(from.uri("postgres"));
  Connection target = connect(to.tcp_uri("postgres", "managed_admin", "secret"));
  std::vector<api::Finding> findings;
  const auto statements = role_statements(source, target, findings, soon());
  ASSERT_TRUE(statements) << statements.error().what;
  EXPECT_THAT(carry_out(target, *statements), ::testing::IsEmpty());
  EXPECT_EQ(to.scalar("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'managed_super'"), "f");
  const auto traits = read_target_traits(target, soon());
  ASSERT_TRUE(traits);
  EXPECT_TRUE(traits->assumable.contains("managed_owner"));
  EXPECT_FALSE(traits->superuser);
}

constexpr const char* database_as_line =
    "SELECT format('%s', ARRAY[pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text, to_jsonb(d) ->> "
    "'datlocprovider', "
    "coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), to_jsonb(d) ->> 'daticurules', "
    "datdba::regrole::text, datconnlimit::text, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM "
    "unnest(datacl) a), shobj_description(oid, 'pg_database'), "
    "(SELECT string_agg(coalesce(nullif(setrole, 0)::regrole::text, '') || setconfig::text, ';' ORDER BY setrole) FROM "
    "pg_db_role_setting WHERE setdatabase = d.oid)]) "
    "FROM pg_database d WHERE datname = current_database()";

struct Case {
  int major;
  const char* options;
};

class ADatabaseItself : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ADatabaseItself,
    ::testing::Values(Case{13, ""}, Case{13, "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"},
                      Case{15, "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk'"},
                      Case{16, "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&V << w <<< W'"},
                      Case{18, "TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"},
                      Case{18, "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"}));

TEST_P(ADatabaseItself, is_created_and_described_as_on_the_source) {
  testbed::PostgresServer& server = testbed::server(GetParam().major);
  server.exec("postgres",
              "DO $$BEGIN CREATE ROLE \"Database owner\"; EXCEPTION WHEN duplicate_object THEN NULL; END$$");
  const testbed::Database original = server.create_database("itself", GetParam().options);
  const std::string name = "\"" + original.name() + "\"";
  original.exec("ALTER DATABASE " + name + " SET work_mem = '9MB'; ALTER DATABASE " + name +
                " SET search_path = \"$user\", \"a, b\"; ALTER ROLE \"Database owner\" IN DATABASE " + name +
                " SET app.x = 'it''s'; COMMENT ON DATABASE " + name + " IS 'it''s'; ALTER DATABASE " + name +
                " CONNECTION LIMIT 7; GRANT CREATE ON DATABASE " + name +
                " TO \"Database owner\" WITH GRANT OPTION; REVOKE TEMPORARY ON DATABASE " + name +
                " FROM PUBLIC; GRANT CONNECT ON DATABASE " + name + " TO postgres; ALTER DATABASE " + name +
                " OWNER TO \"Database owner\"; GRANT TEMPORARY ON DATABASE " + name +
                " TO postgres; REVOKE CONNECT ON DATABASE " + name + " FROM \"Database owner\"");
  Connection source = connect(original.uri());
  Connection target = connect(server.uri("postgres"));
  std::vector<api::Finding> findings;
  const TargetTraits traits = read_target_traits(target, soon()).value();
  const testbed::Database copy = server.adopt_database("Copy \"of\" " + original.name());
  const auto statements = database_statements(source, traits, copy.name(), soon());
  ASSERT_TRUE(statements) << statements.error().what;
  ASSERT_TRUE(create_database(target, *statements, soon()));
  Connection inside = connect(copy.uri());
  EXPECT_TRUE(is_undescribed(inside, soon()).value());
  ASSERT_TRUE(inside.execute("BEGIN", soon()));
  const auto failures = describe_database(inside, *statements, soon());
  ASSERT_TRUE(failures) << failures.error().what;
  EXPECT_THAT(*failures, ::testing::IsEmpty());
  EXPECT_FALSE(is_undescribed(inside, soon()).value());
  ASSERT_TRUE(inside.execute("COMMIT", soon()));
  EXPECT_EQ(copy.scalar(database_as_line), original.scalar(database_as_line));
}

// What a role has comes with it or not at all: a role that exists is never completed later.
TEST(RolesOnServers, arrive_all_or_none) {
  testbed::PostgresServer& from = testbed::server(13);
  testbed::PostgresServer& to = testbed::server(17);
  from.exec("postgres",
            "CREATE ROLE half_made LOGIN PASSWORD 'x'; CREATE ROLE half_seen; GRANT half_seen TO half_made");
  to.exec("postgres", "CREATE ROLE half_admin LOGIN SUPERUSER PASSWORD 'x'");
  Connection source = connect(from.uri("postgres"));
  Connection target = connect(to.tcp_uri("postgres", "half_admin", "x"));
  // Another session makes a role of the same name and waits with its commit, so that ours ends in the middle.
  testbed::Session other(to.uri("postgres"));
  other.exec("BEGIN; CREATE ROLE half_seen");
  auto copied = std::async(std::launch::async, [&] { return copy_roles(source, target, soon()); });
  const std::string ours = " FROM pg_stat_activity WHERE usename = 'half_admin' AND wait_event_type = 'Lock'";
  while (to.scalar("postgres", "SELECT count(*)" + ours) == "0") std::this_thread::yield();
  to.exec("postgres", "SELECT pg_terminate_backend(pid)" + ours);
  EXPECT_FALSE(copied.get());
  EXPECT_EQ(to.scalar("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'half_made'"), "0");
  other.exec("COMMIT");
  Connection again = connect(to.tcp_uri("postgres", "half_admin", "x"));
  const auto findings = copy_roles(source, again, soon());
  ASSERT_TRUE(findings) << findings.error().what;
  EXPECT_EQ(to.scalar("postgres",
                      "SELECT rolpassword IS NOT NULL AND pg_has_role('half_made', 'half_seen', 'MEMBER')"
                      " FROM pg_authid WHERE rolname = 'half_made'"),
            "t");
}

// Of a source's database for the target, where the test has one of that name or will.
struct ADatabaseStatement : ::testing::Test {
  void make(const std::string& name, bool exists) {
    from.emplace(testbed::server(15).create_database(name));
    copy.emplace(exists ? to.create_database(name) : to.adopt_database(name + " copy"));
    Connection source = connect(from->uri());
    database = database_statements(source, read_target_traits(target, soon()).value(), copy->name(), soon()).value();
  }

  testbed::PostgresServer& to = testbed::server(18);
  std::optional<testbed::Database> from, copy;
  Connection target = connect(to.uri("postgres"));
  DatabaseStatements database;
};

TEST_F(ADatabaseStatement, creates_a_database_that_is_marked_from_its_first_moment) {
  make("marked", false);
  const auto marked = [&] {
    Connection inside = connect(copy->uri());
    return is_undescribed(inside, soon()).value();
  };
  // As an engine leaves it that is killed after the first statement.
  ASSERT_TRUE(target.execute(database.create.front().sql, soon()));
  EXPECT_FALSE(database_exists(target, copy->name(), soon()).value());
  ASSERT_TRUE(create_database(target, database, soon()));
  EXPECT_TRUE(marked());
  ASSERT_TRUE(create_database(target, database, soon()));
  copy->exec("COMMENT ON DATABASE \"" + copy->name() + "\" IS NULL; CREATE TABLE t ()");
  ASSERT_TRUE(replace_database(target, database, soon()));
  EXPECT_TRUE(marked());
  EXPECT_EQ(copy->scalar("SELECT to_regclass('t') IS NULL"), "t");
  EXPECT_FALSE(database_exists(target, database.name_while_new, soon()).value());
}

TEST_F(ADatabaseStatement, drops_nothing_where_nothing_can_be_created) {
  make("replaced", true);
  copy->exec("CREATE TABLE mine ()");
  database.create.front().sql += " LC_MESSAGES_OF_NOBODY 'x'";
  const auto replaced = replace_database(target, database, soon());
  ASSERT_FALSE(replaced);
  EXPECT_EQ(copy->scalar("SELECT to_regclass('mine')"), "mine");
}

TEST_F(ADatabaseStatement, that_can_drop_neither_the_database_nor_its_own_beginning_tells_of_the_database) {
  make("stuck", true);
  const std::string unnamed = quote_identifier(database.name_while_new);
  const std::string named = quote_identifier(copy->name());
  ASSERT_TRUE(target.execute(database.create.front().sql, soon()));
  to.exec("postgres", "ALTER DATABASE " + unnamed + " IS_TEMPLATE true");  // a template is not dropped
  to.exec("postgres", "ALTER DATABASE " + named + " IS_TEMPLATE true");
  const Result<void> replaced = replace_database(target, database, soon());
  ASSERT_FALSE(replaced);
  EXPECT_THAT(replaced.error().what, ::testing::HasSubstr("dropping database " + copy->name()));
  to.exec("postgres", "ALTER DATABASE " + unnamed + " IS_TEMPLATE false");
  to.exec("postgres", "ALTER DATABASE " + named + " IS_TEMPLATE false");
  to.exec("postgres", "DROP DATABASE " + unnamed);
}

}  // namespace
}  // namespace tributary::postgres
