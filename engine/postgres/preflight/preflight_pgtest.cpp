#include "engine/postgres/preflight/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/testing/postgres_server.h"
#include "engine/testing/server_files.h"

namespace tributary::postgres {
namespace {

using api::Severity;
using testbed::Database;
using testbed::Flavour;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

// A role of a provider's kind on a server, gone with this object.
class ScopedRole {
 public:
  ScopedRole(testbed::PostgresServer& server, std::string name, const std::string& options)
      : server_(server), name_(std::move(name)) {
    server_.exec("postgres", "DROP ROLE IF EXISTS " + name_ + "; CREATE ROLE " + name_ + " " + options);
  }
  ~ScopedRole() { server_.exec("postgres", "DROP OWNED BY " + name_ + "; DROP ROLE " + name_); }
  ScopedRole(const ScopedRole&) = delete;
  ScopedRole& operator=(const ScopedRole&) = delete;

 private:
  testbed::PostgresServer& server_;
  std::string name_;
};

class Validating : public ::testing::Test {
 protected:
  // pg_dump as new as the newest server.
  static void SetUpTestSuite() {
    const std::string clients = testbed::installation(18).parent_path() / "client-18/bin";
    setenv("PATH", (clients + ":" + std::getenv("PATH")).c_str(), 1);
  }

  api::Spec spec(const std::string& source, const std::string& target) {
    api::Spec made;
    made.source.uri = source;
    made.target.uri = target;
    return made;
  }
  Validation validated(const api::Spec& made) {
    Result<Validation> validation = validate(made, soon());
    if (!validation) throw std::runtime_error(describe(validation.error()));
    for (const api::Finding& finding : validation->findings) {
      if (finding.severity == Severity::error) RecordProperty(finding.code, finding.message);
    }
    return *validation;
  }
  static std::vector<std::string> codes(const Validation& validation, Severity severity) {
    std::vector<std::string> found;
    for (const api::Finding& finding : validation.findings) {
      if (finding.severity == severity) found.push_back(finding.code);
    }
    return found;
  }
  static std::string text(const Validation& validation, const std::string& code) {
    for (const api::Finding& finding : validation.findings) {
      if (finding.code == code) return finding.subject + ": " + finding.message + "; " + finding.hint;
    }
    return "no " + code;
  }

  testbed::PostgresServer& old_ = testbed::server(13);
  testbed::PostgresServer& new_ = testbed::server(17);
};

TEST_F(Validating, a_good_replication_passes_and_is_estimated) {
  const Database source = old_.create_database("shop");
  const Database target = new_.create_database("copy");
  source.exec(
      "CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a SELECT g, repeat('x', 100) FROM "
      "generate_series(1, 10000) g; CREATE TABLE b (id int PRIMARY KEY)");
  const Validation validation = validated(spec(source.uri(), target.uri()));
  EXPECT_TRUE(validation.passed());
  EXPECT_THAT(codes(validation, Severity::warning), IsEmpty());
  ASSERT_EQ(validation.databases.size(), 1U);
  const DatabaseEstimate& estimate = validation.databases[0];
  EXPECT_EQ(estimate.database, source.name());
  EXPECT_EQ(estimate.target, target.name());
  EXPECT_EQ(estimate.tables, 2U);
  EXPECT_GT(estimate.bytes, 1000000U);
  EXPECT_GT(estimate.total_bytes, estimate.bytes);
  EXPECT_GT(estimate.duration, Seconds(0));
}

TEST_F(Validating, a_database_that_allows_no_connections_is_passed_over_by_a_pattern_and_refused_by_its_name) {
  const Database open = old_.create_database("closing_open");
  const Database shut = old_.create_database("closing_shut");
  old_.exec("postgres", "ALTER DATABASE \"" + shut.name() + "\" ALLOW_CONNECTIONS false");
  api::Spec made = spec(open.uri(), new_.uri("postgres"));
  made.selection.include_databases = {"closing_*"};
  const Validation passed = validated(made);
  EXPECT_TRUE(passed.passed());
  EXPECT_THAT(text(passed, "DatabaseLeftOut"), HasSubstr(shut.name()));
  made.selection.include_databases = {open.name(), shut.name()};
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("DatabaseLeftOut"));
  made.selection.include_databases.clear();
  made.selection.exclude_databases = {shut.name(), "*"};
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("NoDatabaseSelected"));
  EXPECT_EQ(text(validated(made), "DatabaseLeftOut"), "no DatabaseLeftOut");
}

TEST_F(Validating, a_target_database_that_is_yet_to_be_created_is_fine) {
  const Database source = old_.create_database("shop");
  api::Spec made = spec(source.uri(), new_.uri("not there yet"));
  EXPECT_TRUE(validated(made).passed());
  made.snapshot.create_database = false;
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("TargetDatabaseMissing"));
}

TEST_F(Validating, objects_of_others_in_the_ledgers_schema_are_refused_and_a_ledger_is_passed_over) {
  const Database source = old_.create_database("own_name");
  const Database target = new_.create_database("own_name");
  const api::Spec made = spec(source.uri(), target.uri());
  source.exec("CREATE TABLE t (i int); CREATE SCHEMA _tributary");
  EXPECT_TRUE(validated(made).passed());
  source.exec(
      "CREATE TABLE _tributary.mine (i serial); CREATE FUNCTION _tributary.f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
      "CREATE TABLE _tributary.part (i int)");
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("ControlSchemaTaken"));
  EXPECT_THAT(text(validated(made), "ControlSchemaTaken"), HasSubstr("table _tributary.mine"));
  EXPECT_THAT(text(validated(made), "ControlSchemaTaken"), HasSubstr("function _tributary.f()"));
  EXPECT_THAT(text(validated(made), "ControlSchemaTaken"), HasSubstr("table _tributary.part"));
  api::Spec some = made;
  some.selection.include_tables = {source.name() + ".t"};
  EXPECT_TRUE(validated(some).passed());
  // A ledger's own tables, and one beside them.
  source.exec("DROP SCHEMA _tributary CASCADE");
  for (const std::string& sql : control_upgrades()) source.exec(sql);
  EXPECT_TRUE(validated(made).passed());
  EXPECT_THAT(codes(validated(made), Severity::warning), IsEmpty());
  source.exec("CREATE VIEW _tributary.seen AS SELECT * FROM _tributary.replication");
  EXPECT_THAT(text(validated(made), "ControlSchemaTaken"), HasSubstr("holds view _tributary.seen"));
}

TEST_F(Validating, both_ends_are_judged_though_one_is_down) {
  const Database target = new_.create_database("full");
  target.exec("CREATE TABLE t (a int)");
  const Validation validation = validated(spec("postgresql://u@127.0.0.1:1/x", target.uri()));
  EXPECT_THAT(codes(validation, Severity::error), ElementsAre("SourceUnreachable"));
  EXPECT_THAT(codes(validation, Severity::ok), Contains("TargetReachable"));
  const Validation other = validated(spec(target.uri(), "postgresql://u@127.0.0.1:1/x"));
  EXPECT_THAT(codes(other, Severity::error), ElementsAre("TargetUnreachable"));
  EXPECT_THAT(codes(other, Severity::ok), Contains("SourceReachable"));
}

TEST_F(Validating, a_wrong_password_is_told_from_a_dead_server_and_never_repeated) {
  const ScopedRole role(old_, "app", "LOGIN PASSWORD 'right'");
  const Database target = new_.create_database("copy");
  const Validation validation = validated(spec(old_.tcp_uri("postgres", "app", "hunter2"), target.uri()));
  EXPECT_THAT(codes(validation, Severity::error), ElementsAre("SourceAccessDenied"));
  EXPECT_THAT(text(validation, "SourceAccessDenied"), Not(HasSubstr("hunter2")));
}

TEST_F(Validating, the_same_database_is_refused_whatever_its_address) {
  const Database database = new_.create_database("one");
  const std::string other_address =
      new_.tcp_uri(database.name(), "postgres", testbed::PostgresServer::superuser_password);
  EXPECT_THAT(codes(validated(spec(database.uri(), other_address)), Severity::error), Contains("SameDatabase"));
  const Database second = new_.create_database("two");
  EXPECT_TRUE(validated(spec(database.uri(), second.uri())).passed()) << "two databases of one server";
  // As the reference tool fell: names are kept, so another database of the same server in the URI means the same one.
  api::Spec named = spec(database.uri(), second.uri());
  named.selection.include_databases = {database.name()};
  EXPECT_THAT(codes(validated(named), Severity::error), Contains("SameDatabase"));
}

TEST_F(Validating, the_same_database_is_refused_without_the_right_to_read_the_identifier) {
  const ScopedRole role(new_, "app", "LOGIN PASSWORD 'p'");
  const Database database = new_.create_database("one");
  database.exec("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
  const std::string uri = new_.tcp_uri(database.name(), "app", "p");
  EXPECT_THAT(codes(validated(spec(uri, uri)), Severity::error), Contains("SameDatabase"));
}

TEST_F(Validating, an_older_target_is_refused_unless_allowed) {
  const Database source = new_.create_database("shop");
  const Database target = old_.create_database("copy");
  api::Spec made = spec(source.uri(), target.uri());
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("TargetOlder"));
  made.snapshot.allow_older_target = true;
  EXPECT_TRUE(validated(made).passed());
}

TEST_F(Validating, the_roles_of_rds_are_understood) {
  const ScopedRole replication(old_, "rds_replication", "NOLOGIN");
  const ScopedRole superuser(new_, "rds_superuser", "NOLOGIN");
  const ScopedRole source_role(old_, "master", "LOGIN PASSWORD 'p' IN ROLE rds_replication");
  const ScopedRole target_role(new_, "master", "LOGIN CREATEDB CREATEROLE PASSWORD 'p' IN ROLE rds_superuser");
  const Database source = old_.create_database("shop");
  source.exec("CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO master; CREATE EXTENSION amcheck");
  api::Spec made = spec(old_.tcp_uri(source.name(), "master", "p"), new_.tcp_uri("copy", "master", "p"));
  made.mode = api::Mode::snapshot_and_sync;
  const Validation validation = validated(made);
  EXPECT_THAT(codes(validation, Severity::error), IsEmpty());
  EXPECT_THAT(text(validation, "SourceRights"), HasSubstr("role master may stream changes"));
  EXPECT_THAT(text(validation, "TargetRights"), HasSubstr("role master may create databases"));
}

TEST_F(Validating, the_roles_of_neon_and_cloud_sql_are_understood) {
  for (const char* admin : {"neon_superuser", "cloudsqlsuperuser"}) {
    const ScopedRole group(new_, admin, "NOLOGIN");
    const ScopedRole owner(new_, "owner", std::string("LOGIN CREATEDB CREATEROLE PASSWORD 'p' IN ROLE ") + admin);
    const Database source = old_.create_database("shop");
    source.exec("CREATE EXTENSION amcheck; CREATE EXTENSION citext");
    EXPECT_TRUE(validated(spec(source.uri(), new_.tcp_uri("copy", "owner", "p"))).passed()) << admin;
  }
}

TEST_F(Validating, a_role_without_rights_gets_every_finding_at_once) {
  const ScopedRole reader(old_, "reader", "LOGIN PASSWORD 'p'");
  const ScopedRole writer(new_, "writer", "LOGIN PASSWORD 'p'");
  const Database source = old_.create_database("shop");
  source.exec(
      "CREATE TABLE secret (id serial); CREATE TABLE policed (id int PRIMARY KEY);"
      "ALTER TABLE policed ENABLE ROW LEVEL SECURITY; GRANT SELECT ON policed TO reader;"
      "SELECT lo_create(0); CREATE EXTENSION amcheck");
  const Validation validation =
      validated(spec(old_.tcp_uri(source.name(), "reader", "p"), new_.tcp_uri("copy", "writer", "p")));
  for (const char* code : {"SelectDenied", "SequenceDenied", "RowSecurityHidesRows", "LargeObjectsDenied",
                           "CreateDatabaseDenied", "ExtensionDenied"}) {
    EXPECT_THAT(codes(validation, Severity::error), Contains(code));
  }
  EXPECT_THAT(codes(validation, Severity::warning), Contains("ReplicationDenied"));
  EXPECT_THAT(codes(validation, Severity::warning), Contains("CreateRoleDenied"));
  EXPECT_THAT(text(validation, "SelectDenied"), HasSubstr("public.secret"));
}

// pg_dump itself is the judge: the role may read the one selected table, and something else is there.
TEST_F(Validating, finds_what_pg_dump_may_not_lock_or_read_and_nothing_else) {
  const std::string extended =
      "CREATE EXTENSION citext; CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO reader;"
      "CREATE TABLE open.other (id serial); ALTER EXTENSION citext ADD TABLE open.other;";
  const std::string cases[] = {
      "CREATE TABLE other (id int)",
      "CREATE TABLE other (id int, secret int); GRANT SELECT (id) ON other TO reader",
      "CREATE TABLE other (id int); GRANT UPDATE ON other TO reader",
      "CREATE TABLE other (id int) PARTITION BY LIST (id);"
      "CREATE TABLE other_1 PARTITION OF other FOR VALUES IN (1); GRANT SELECT ON other_1 TO reader",
      "CREATE SCHEMA closed; CREATE TABLE closed.other (id int); GRANT SELECT ON closed.other TO reader",
      "CREATE TABLE other (id serial); GRANT SELECT ON other TO reader",
      "CREATE UNLOGGED TABLE other (id serial); GRANT SELECT ON other, other_id_seq TO reader",
      "CREATE SEQUENCE alone; GRANT UPDATE ON alone TO reader",
      "CREATE SEQUENCE alone; GRANT USAGE ON alone TO reader",
      extended,
      extended + "ALTER EXTENSION citext ADD SEQUENCE open.other_id_seq",
      extended +
          "ALTER EXTENSION citext ADD SEQUENCE open.other_id_seq; UPDATE pg_extension SET"
          " extconfig = ARRAY['open.other'::regclass], extcondition = ARRAY[''] WHERE extname = 'citext';"
          "ALTER TABLE open.other ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON open.other USING (id > 0)",
      "CREATE SCHEMA _tributary; CREATE TABLE _tributary.other (id serial);"
      "CREATE VIEW v AS SELECT 1 AS i; CREATE MATERIALIZED VIEW m AS SELECT 1 AS i; CREATE TYPE t AS (i int);"
      "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (i int) SERVER "
      "far"};
  std::set<bool> answers;
  for (testbed::PostgresServer* server : {&old_, &testbed::server(18)}) {
    const ScopedRole reader(*server, "reader", "LOGIN PASSWORD 'p'");
    for (const std::string& one : cases) {
      SCOPED_TRACE(std::to_string(server->major()) + ": " + one);
      const Database source = server->create_database("shop");
      source.exec("CREATE TABLE orders (id int PRIMARY KEY); GRANT SELECT ON orders TO reader");
      source.exec(one);
      api::Spec made = spec(server->tcp_uri(source.name(), "reader", "p"), new_.uri("not there yet"));
      made.selection.include_tables = {source.name() + ".orders"};
      made.snapshot.allow_older_target = true;
      const auto servers = make_servers(made);
      const auto end = servers->source({source.name(), "not there yet", false}, soon()).value();
      ASSERT_TRUE(end->open_snapshot(std::nullopt, soon()));
      const auto schema = end->schema(soon());
      answers.insert(schema.ok());
      EXPECT_EQ(validated(made).passed(), schema.ok()) << (schema ? "" : describe(schema.error()));
    }
  }
  EXPECT_EQ(answers.size(), 2U);
}

TEST_F(Validating, a_closed_schema_public_is_said) {
  const ScopedRole writer(new_, "writer", "LOGIN PASSWORD 'p'");
  const Database source = old_.create_database("shop");
  source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const Database target = new_.create_database("copy");
  target.exec("GRANT CREATE ON DATABASE \"" + target.name() + "\" TO writer");
  const Validation validation = validated(spec(source.uri(), new_.tcp_uri(target.name(), "writer", "p")));
  EXPECT_THAT(codes(validation, Severity::error), ElementsAre("TargetSchemaDenied")) << "public is closed since 15";
}

TEST_F(Validating, a_target_that_is_not_empty_is_refused_until_somebody_says_what_to_do) {
  const Database source = old_.create_database("shop");
  const Database target = new_.create_database("copy");
  source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  target.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE EXTENSION citext");
  api::Spec made = spec(source.uri(), target.uri());
  EXPECT_THAT(text(validated(made), "TargetNotEmpty"), HasSubstr("table public.t"));
  made.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("TargetTableNotEmpty"));
  target.exec("TRUNCATE t");
  EXPECT_TRUE(validated(made).passed());
  made.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  EXPECT_THAT(codes(validated(made), Severity::warning), ElementsAre("TargetWillBeDropped"));
}

TEST_F(Validating, several_databases_are_looked_into) {
  const Database one = old_.create_database("one");
  const Database two = old_.create_database("Two of-them");
  two.exec(
      "CREATE UNLOGGED TABLE u (id int); CREATE TABLE keyless (a int);"
      "CREATE TABLE audited (id int PRIMARY KEY, p int UNIQUE REFERENCES audited (p));"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER audit AFTER INSERT ON audited FOR EACH ROW EXECUTE FUNCTION f();"
      "CREATE TRIGGER usual AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION f();"
      "ALTER TABLE audited ENABLE ALWAYS TRIGGER audit; ALTER TABLE keyless ENABLE ALWAYS TRIGGER usual;"
      "ALTER TABLE keyless ENABLE TRIGGER usual");
  api::Spec made = spec(old_.uri("postgres"), new_.uri("postgres"));
  made.mode = api::Mode::validate;
  made.selection.include_databases = {one.name(), two.name()};
  const Validation validation = validated(made);
  EXPECT_TRUE(validation.passed());
  ASSERT_EQ(validation.databases.size(), 2U);
  EXPECT_EQ(validation.databases[0].target, two.name()) << "names are kept";
  EXPECT_THAT(text(validation, "NoReplicaIdentity"),
              HasSubstr("database " + two.name() + ": 1 table (public.keyless)"));
  EXPECT_THAT(text(validation, "UnloggedTables"), HasSubstr("public.u"));
  EXPECT_THAT(text(validation, "TriggersFire"), HasSubstr("database " + two.name() + ": 1 table (public.audited)"));
}

TEST_F(Validating, a_selection_that_names_nothing_is_said_with_what_is_near) {
  const Database source = old_.create_database("shop");
  const Database target = new_.create_database("copy");
  source.exec(
      "CREATE TABLE orders (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (2)");
  api::Spec made = spec(source.uri(), target.uri());
  made.selection.include_tables = {source.name() + ".order"};
  EXPECT_THAT(text(validated(made), "SelectionMatchesNothing"),
              HasSubstr("did you mean " + source.name() + ".orders_1"));
  made.selection.include_tables = {};
  made.selection.include_databases = {"template1"};
  EXPECT_THAT(text(validated(made), "SelectionMatchesNothing"), HasSubstr("'template1' names a template"));
  made.selection.include_databases = {};
  made.selection.include_tables = {source.name() + ".orders"};
  const Validation parent = validated(made);
  EXPECT_TRUE(parent.passed());
  EXPECT_EQ(parent.databases.at(0).tables, 1U) << "a partitioned table stands for its partitions";
  made.selection.include_tables = {"orders"};
  EXPECT_THAT(codes(validated(made), Severity::error), ElementsAre("SelectionInvalid"));
}

TEST_F(Validating, a_source_that_cannot_be_streamed_is_still_good_for_a_snapshot) {
  testbed::PostgresServer& replica = testbed::server(13, Flavour::replica);
  const Database source = replica.create_database("shop");
  const Database target = new_.create_database("copy");
  api::Spec made = spec(source.uri(), target.uri());
  EXPECT_THAT(codes(validated(made), Severity::warning), Contains("WalLevelNotLogical"));
  EXPECT_TRUE(validated(made).passed());
  made.mode = api::Mode::snapshot_and_sync;
  EXPECT_THAT(codes(validated(made), Severity::error), Contains("WalLevelNotLogical"));
}

TEST_F(Validating, encoding_and_locale_are_compared) {
  const Database source =
      old_.create_database("latin", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const Database same = new_.create_database("utf", "ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
  EXPECT_THAT(codes(validated(spec(source.uri(), same.uri())), Severity::warning), ElementsAre("EncodingConverted"));
  const Database other = new_.create_database(
      "latin9", "ENCODING 'LATIN9' LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C' TEMPLATE template0");
  const Validation validation = validated(spec(source.uri(), other.uri()));
  EXPECT_THAT(codes(validation, Severity::error), ElementsAre("EncodingDiffers"));
  EXPECT_THAT(text(validation, "CollationDiffers"), HasSubstr("icu de"));
}

TEST_F(Validating, nothing_is_written_anywhere) {
  const Database source = old_.create_database("shop");
  const Database target = new_.create_database("copy");
  source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto objects = [](const Database& database) {
    return database.scalar("SELECT count(*) || ' ' || max(oid::int8) FROM pg_class");
  };
  const std::string before = objects(source) + objects(target);
  validated(spec(source.uri(), target.uri()));
  EXPECT_EQ(objects(source) + objects(target), before);
}

TEST_F(Validating, a_stop_ends_it) {
  std::stop_source stop;
  stop.request_stop();
  const Result<Validation> validation =
      validate(spec(old_.uri("postgres"), new_.uri("postgres")), {Deadline::never(), stop.get_token()});
  ASSERT_FALSE(validation);
  EXPECT_EQ(validation.error().fault, Fault::cancelled);
}

}  // namespace
}  // namespace tributary::postgres
