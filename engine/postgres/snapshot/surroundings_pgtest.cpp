#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "engine/base/log.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// What a snapshot brings beside the contents of a database: roles, large objects, what belongs to the database itself;
// and what it leaves where it is.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::failed;
using testbed::PostgresServer;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::vector<std::string> codes(const api::Report& report) {
  std::vector<std::string> found;
  for (const api::Finding& finding : report.findings) found.push_back(finding.code + " " + finding.subject);
  return found;
}

void create_role(PostgresServer& where, const std::string& name) {
  where.exec("postgres", "DO $$BEGIN CREATE ROLE " + name +
                             "; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$");
}

constexpr const char* database_as_line =
    "SELECT format('%s | %s | %s | %s | %s | %s | %s', pg_encoding_to_char(encoding), datcollate, datdba::regrole, "
    "datconnlimit, shobj_description(oid, 'pg_database'), "
    "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a), "
    "(SELECT string_agg(coalesce(nullif(setrole, 0)::regrole::text, '') || setconfig::text, ';' ORDER BY 1) "
    "FROM pg_db_role_setting WHERE setdatabase = d.oid)) FROM pg_database d WHERE datname = current_database()";

// Settings that would stop a copy or change what it carries, were they in force during it.
std::string hostile_settings(const PostgresServer& where, const std::string& database) {
  std::vector<std::string> all = {"default_transaction_read_only = on",
                                  "statement_timeout = '500ms'",
                                  "idle_in_transaction_session_timeout = '300ms'",
                                  "search_path = nowhere, \"Some, where\"",
                                  "default_transaction_isolation = 'serializable'",
                                  "DateStyle = 'SQL, DMY'",
                                  "IntervalStyle = 'sql_standard'",
                                  "TimeZone = 'Asia/Tokyo'",
                                  "client_encoding = 'LATIN1'",
                                  "bytea_output = 'escape'",
                                  "extra_float_digits = -10",
                                  "row_security = on",
                                  "array_nulls = off",
                                  "xmloption = document",
                                  "standard_conforming_strings = off",
                                  "transform_null_equals = on",
                                  "quote_all_identifiers = on",
                                  "backslash_quote = off"};
  if (where.major() >= 14) all.emplace_back("idle_session_timeout = '300ms'");
  if (where.major() >= 17) all.emplace_back("transaction_timeout = '300ms'");
  std::string sql;
  for (const std::string& setting : all) sql += "ALTER DATABASE \"" + database + "\" SET " + setting + ";";
  return sql;
}

std::string odd_properties(const Database& database) {
  const std::string name = "DATABASE \"" + database.name() + "\"";
  return "ALTER ROLE settled IN " + name + " SET work_mem = '7MB'; REVOKE ALL ON " + name +
         " FROM PUBLIC; GRANT CONNECT ON " + name + " TO settled; COMMENT ON " + name + " IS 'it''s odd'; ALTER " +
         name + " CONNECTION LIMIT 1; ALTER " + name + " OWNER TO settled";
}

constexpr const char* sensitive_values = R"sql(
  CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''back\slash''';
  CREATE TABLE t (id integer PRIMARY KEY, d date, at timestamptz, i interval, f float8, b bytea, s text[], x xml, m money,
    c text DEFAULT E'back\\slash ''quoted''' CHECK (c <> 'a\b'), CHECK (at = NULL));
  INSERT INTO t VALUES (1, '2020-02-01', '2020-02-01 12:00+00', '-1 day 02:00', 0.1, '\x00ff', '{NULL,"NULL"}',
    'text &amp; more'::xml, 1234.5, DEFAULT), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ü'))sql";

const std::string neutral =
    "SET statement_timeout = 0; SET search_path = public, pg_catalog; SET DateStyle = 'ISO'; SET TimeZone = 'UTC'; SET "
    "extra_float_digits = 3; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET client_encoding = 'UTF8'; "
    "SET "
    "standard_conforming_strings = on; SET quote_all_identifiers = off; ";

constexpr const char* all_of_t =
    "SELECT string_agg(t::text, ' ' ORDER BY id) || (SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY "
    "conname) "
    "FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c') || (SELECT string_agg(pg_get_expr(adbin, "
    "adrelid), ' ') FROM pg_attrdef WHERE adrelid = 't'::regclass) || f() FROM t";

TEST(ADatabaseThatIsCreated, gets_what_the_sources_has_beside_its_contents) {
  auto& from = server(17);
  auto& to = server(18);
  create_role(from, "settled");
  create_role(to, "settled");
  const Database source = from.create_database("odd");
  source.exec(sensitive_values);
  source.exec(hostile_settings(from, source.name()) + odd_properties(source));
  const Database copy = to.adopt_database("odd copy");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));
  EXPECT_EQ(copy.scalar(neutral + database_as_line), source.scalar(neutral + database_as_line));
  EXPECT_EQ(copy.scalar(neutral + all_of_t), source.scalar(neutral + all_of_t));
}

TEST(SettingsOfTheTarget, change_nothing_of_what_arrives) {
  const Database source = server(13).create_database("neutral");
  source.exec(sensitive_values);
  const Database copy = server(17).create_database("hostile");
  copy.exec(hostile_settings(server(17), copy.name()));
  server(17).exec("postgres",
                  "ALTER DATABASE \"" + copy.name() + "\" RESET default_transaction_read_only");  // is refused
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));
  EXPECT_EQ(copy.scalar(neutral + all_of_t), source.scalar(neutral + all_of_t));
}

class AnEncoding : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, AnEncoding, ::testing::Values("LATIN1", "SQL_ASCII", "EUC_JP"));

// Bytes, names and comments, whatever they are to the server. In SQL_ASCII they are no characters at all.
TEST_P(AnEncoding, keeps_every_byte) {
  const std::string encoding = GetParam();
  const std::string letter = encoding == "EUC_JP" ? "\xA4\xA2" : "\xE4";
  const auto with_letter = [&](std::string sql) {
    for (auto at = sql.find('@'); at != std::string::npos; at = sql.find('@')) sql.replace(at, 1, letter);
    return sql;
  };
  const Database source = server(15).create_database(
      "encoded", "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '" + encoding + "'");
  testbed::Session there(source.uri());
  there.exec("SET client_encoding = '" + encoding + "'");
  there.exec(with_letter(
      "CREATE TABLE \"t@\" (\"c@\" text PRIMARY KEY DEFAULT 'd@' CHECK (\"c@\" <> 'x@')); COMMENT ON TABLE \"t@\" IS "
      "'i@';"
      "INSERT INTO \"t@\" VALUES (DEFAULT), ('@@'); CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''@'''"));
  const Database copy = server(17).adopt_database("encoded_" + encoding);
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));
  testbed::Session here(copy.uri());
  here.exec("SET client_encoding = '" + encoding + "'");
  const std::string bytes = with_letter(
      "SELECT pg_encoding_to_char(encoding) || (SELECT string_agg(convert_to(\"c@\", getdatabaseencoding())::text, ' ' "
      "ORDER BY 1) FROM \"t@\") || (SELECT convert_to(pg_get_expr(adbin, adrelid) || obj_description(adrelid) || "
      "prosrc, "
      "getdatabaseencoding())::text FROM pg_attrdef, pg_proc WHERE adrelid = '\"t@\"'::regclass AND proname = 'f') "
      "FROM "
      "pg_database WHERE datname = current_database()");
  EXPECT_EQ(here.scalar(bytes), there.scalar(bytes));
}

TEST(ADatabaseThatWasThere, keeps_what_it_had) {
  const Database source = server(13).create_database("commented");
  create_role(server(13), "settled");
  source.exec("CREATE TABLE t (); COMMENT ON DATABASE \"" + source.name() + "\" IS 'the source''s'; ALTER DATABASE \"" +
              source.name() + "\" SET work_mem = '9MB'; ALTER DATABASE \"" + source.name() + "\" OWNER TO settled");
  const Database copy = server(17).create_database("commented");
  copy.exec("COMMENT ON DATABASE \"" + copy.name() + "\" IS 'its own'");
  const std::string before = copy.scalar(database_as_line);
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));
  EXPECT_EQ(copy.scalar(database_as_line), before);
}

TEST(Roles, arrive_before_what_belongs_to_them_unless_they_are_to_stay) {
  auto& from = server(15);
  auto& to = server(18);
  from.exec("postgres",
            "CREATE ROLE arriving LOGIN PASSWORD 'secret'; CREATE ROLE \"Arriving \"\"group\"\"\"; "
            "GRANT \"Arriving \"\"group\"\"\" TO arriving; ALTER ROLE arriving SET work_mem = '6MB'");
  const Database source = from.create_database("owned");
  source.exec(
      "CREATE SCHEMA s AUTHORIZATION arriving; CREATE TABLE s.t (i integer); INSERT INTO s.t VALUES (1); "
      "ALTER TABLE s.t OWNER TO arriving; GRANT SELECT ON s.t TO \"Arriving \"\"group\"\"\"");
  const Database without = to.adopt_database("owned_without");
  const api::Report report = snapshot(spec_between(source.uri(), without.uri()));
  ASSERT_TRUE(done(report));
  EXPECT_THAT(codes(report),
              UnorderedElementsAre("OwnerNotSet role arriving", "GrantsLeftOut role Arriving \"group\""));
  EXPECT_EQ(to.scalar("postgres", "SELECT count(*) FROM pg_roles WHERE rolname ILIKE 'arriving%'"), "0");
  EXPECT_EQ(without.scalar("SELECT relowner::regrole FROM pg_class WHERE oid = 's.t'::regclass"), "postgres");
  EXPECT_EQ(without.scalar("SELECT count(*) FROM s.t"), "1");

  const Database copy = to.adopt_database("owned_with");
  api::Spec spec = spec_between(source.uri(), copy.uri());
  spec.snapshot.roles = true;
  ASSERT_TRUE(done(snapshot(spec)));
  const std::string owned =
      "SELECT relowner::regrole || ' ' || has_table_privilege('Arriving \"group\"', c.oid, 'SELECT') || ' ' || "
      "nspowner::regrole FROM pg_class c JOIN pg_namespace n "
      "ON n.oid = relnamespace WHERE c.oid = 's.t'::regclass";
  EXPECT_EQ(copy.scalar(owned), source.scalar(owned));
  const std::string role =
      "SELECT rolcanlogin || ' ' || rolpassword || ' ' || (SELECT setconfig::text FROM pg_db_role_setting WHERE "
      "setrole "
      "= a.oid AND setdatabase = 0) || pg_has_role(oid, 'Arriving \"group\"', 'MEMBER') FROM pg_authid a WHERE rolname "
      "= "
      "'arriving'";
  EXPECT_EQ(to.scalar("postgres", role), from.scalar("postgres", role));
}

TEST(TwoSnapshots, that_begin_together_make_their_roles_and_their_database_once) {
  auto& from = server(15);
  auto& to = server(17);
  const std::string role =
      "SELECT string_agg(format('CREATE ROLE together_%1$s; ALTER ROLE together_%1$s SET work_mem = %2$L', n, '5MB'), "
      "';') "
      "FROM generate_series(1, 50) n";
  from.exec("postgres", from.scalar("postgres", role));
  const Database first = from.create_database("together");
  const Database second = from.create_database("together");
  first.exec("CREATE SCHEMA one; CREATE TABLE one.t AS SELECT 1 AS i");
  second.exec("CREATE SCHEMA two; CREATE TABLE two.t AS SELECT 2 AS i");
  const Database copy = to.adopt_database("together_copy");
  std::vector<api::Spec> specs = {spec_between(first.uri(), copy.uri()), spec_between(second.uri(), copy.uri())};
  std::vector<std::future<api::Report>> runs;
  for (api::Spec& spec : specs) {
    spec.snapshot.roles = true;
    spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
    runs.push_back(std::async(std::launch::async, [&spec] { return snapshot(spec); }));
  }
  for (std::future<api::Report>& run : runs) {
    const api::Report report = run.get();
    EXPECT_TRUE(done(report));
    EXPECT_THAT(codes(report), Not(::testing::Contains(HasSubstr("RoleSkipped"))));
  }
  EXPECT_EQ(copy.scalar("SELECT (SELECT i FROM one.t) + (SELECT i FROM two.t)"), "3");
  EXPECT_EQ(to.scalar("postgres", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'together%'"), "50");
}

TEST(Roles, that_the_target_lacks_are_named_with_all_that_is_left_out_for_them) {
  auto& from = server(15);
  create_role(from, "lacking_reader");
  create_role(from, "lacking_owner");
  const Database source = from.create_database("gaps");
  const std::string name = "\"" + source.name() + "\"";
  source.exec("GRANT CONNECT ON DATABASE " + name + " TO lacking_reader; ALTER ROLE lacking_reader IN DATABASE " +
              name + " SET work_mem = '9MB'; ALTER ROLE lacking_reader IN DATABASE " + name +
              " SET app.x = 'y'; SELECT lo_create(n) FROM generate_series(4711, 4713) n; "
              "ALTER LARGE OBJECT 4711 OWNER TO lacking_owner; ALTER LARGE OBJECT 4712 OWNER TO lacking_owner; "
              "GRANT SELECT, UPDATE ON LARGE OBJECT 4713 TO lacking_reader");
  const Database copy = server(18).adopt_database("gaps");
  const api::Report report = snapshot(spec_between(source.uri(), copy.uri()));
  ASSERT_TRUE(done(report));
  std::vector<std::string> said;
  for (const api::Finding& finding : report.findings)
    said.push_back(finding.code + " " + finding.subject + ": " + finding.message);
  EXPECT_THAT(said,
              UnorderedElementsAre(HasSubstr("GrantsLeftOut role lacking_reader: 1 grant on database " + copy.name()),
                                   HasSubstr("DatabasePropertySkipped role lacking_reader: 2 settings of this role"),
                                   HasSubstr("GrantsLeftOut role lacking_reader: 2 grants on large objects"),
                                   HasSubstr("OwnerNotSet role lacking_owner: role postgres owns 2 large objects")));
}

constexpr const char* objects_as_lines =
    "SELECT string_agg(format('%s %s %s', oid, obj_description(oid, 'pg_largeobject'), md5(lo_get(oid))), ';' ORDER BY "
    "oid) FROM pg_largeobject_metadata";

TEST(LargeObjects, arrive_with_the_tables_unless_they_are_to_stay) {
  const Database source = server(15).create_database("large");
  source.exec(
      "CREATE TABLE t (o oid); INSERT INTO t SELECT lo_from_bytea(4711, '\\x00ff'); COMMENT ON LARGE OBJECT 4711 "
      "IS 'x'; SELECT lo_create(4712); SELECT lo_from_bytea(n, n::text::bytea) FROM generate_series(5000, 6200) n");
  const Database copy = server(17).adopt_database("large_copy");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));
  EXPECT_EQ(copy.scalar(objects_as_lines), source.scalar(objects_as_lines));

  const Database without = server(17).adopt_database("large_without");
  api::Spec spec = spec_between(source.uri(), without.uri());
  spec.snapshot.large_objects = false;
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  EXPECT_THAT(codes(report), ::testing::Contains(HasSubstr("LargeObjectsLeftOut")));
  EXPECT_EQ(without.scalar("SELECT count(*) FROM pg_largeobject_metadata"), "0");
}

TEST(LargeObjects, of_others_are_never_replaced) {
  const Database source = server(15).create_database("large");
  source.exec("CREATE TABLE t (o oid); SELECT lo_from_bytea(4711, '\\x01')");
  const Database copy = server(17).create_database("large");
  copy.exec("SELECT lo_from_bytea(4711, '\\x02')");
  api::Spec spec = spec_between(source.uri(), copy.uri());
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  EXPECT_TRUE(failed(snapshot(spec), api::ExitCode::bad_configuration, "OIDs are there already: 4711"));
  EXPECT_EQ(copy.scalar("SELECT lo_get(4711)"), "\\x02");
}

TEST(WhatIsLeftOut, is_said_and_not_made_active_on_the_target) {
  const Database source = server(15).create_database("left");
  source.exec(
      "CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t VALUES (1, 1), (2, 1); "
      "CREATE PUBLICATION p FOR TABLE t");
  EXPECT_THROW(source.exec("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (n)"), std::runtime_error);
  source.exec(
      "CREATE SUBSCRIPTION s CONNECTION 'host=example.invalid password=subscribed' PUBLICATION p WITH (connect "
      "= false, slot_name = NONE, enabled = false)");
  const Database copy = server(17).adopt_database("left_copy");
  const api::Report report = snapshot(spec_between(source.uri(), copy.uri()));
  source.exec("DROP SUBSCRIPTION s");
  ASSERT_TRUE(done(report));
  EXPECT_THAT(codes(report),
              UnorderedElementsAre("PublicationLeftOut publication p", "SubscriptionLeftOut subscription s",
                                   "InvalidIndexLeftOut index public.broken"));
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM pg_subscription"), "0");
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM pg_publication"), "0");
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM pg_class WHERE relname = 'broken'"), "0");
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM t"), "2");
}

TEST(ASecret, of_a_database_is_copied_and_told_to_nobody) {
  const Database source = server(15).create_database("secrets");
  source.exec(
      "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'x'); "
      "CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'u', password 'mapped secret')");
  const Database copy = server(17).adopt_database("secrets_copy");
  ::testing::internal::CaptureStderr();
  const api::Report report = snapshot(spec_between(source.uri(), copy.uri()));
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_TRUE(done(report));
  EXPECT_EQ(copy.scalar("SELECT string_agg(o, ' ' ORDER BY o) FROM pg_user_mapping, unnest(umoptions) o"),
            "password=mapped secret user=u");
  EXPECT_THAT(said + api::to_json(report), Not(HasSubstr("mapped secret")));
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM _tributary.step s WHERE s::text LIKE '%mapped secret%'"), "0");
}

// A row that a policy hides must never be missing without a word.
TEST(RowSecurity, hides_no_row_from_an_owner_and_stops_whom_it_would_hide_rows_from) {
  auto& from = server(15);
  from.exec("postgres",
            "CREATE ROLE secured_owner LOGIN PASSWORD 'secret'; CREATE ROLE secured_reader LOGIN PASSWORD "
            "'secret'");
  const Database source = from.create_database("secured");
  source.exec(
      "CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2); ALTER TABLE t ENABLE ROW LEVEL SECURITY; "
      "CREATE POLICY one ON t USING (id = 1); ALTER TABLE t OWNER TO secured_owner; GRANT SELECT ON t TO "
      "secured_reader");
  const Database copy = server(17).adopt_database("secured_copy");
  ASSERT_TRUE(done(snapshot(spec_between(from.tcp_uri(source.name(), "secured_owner", "secret"), copy.uri()))));
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(copy.scalar("SELECT count(*) FROM pg_policy"), "1");

  const Database none = server(17).adopt_database("secured_none");
  const std::string reader = from.tcp_uri(source.name(), "secured_reader", "secret");
  EXPECT_TRUE(failed(snapshot(spec_between(reader, none.uri())), api::ExitCode::bad_configuration, "public.t"));
  source.exec("ALTER TABLE t FORCE ROW LEVEL SECURITY");
  const std::string owner = from.tcp_uri(source.name(), "secured_owner", "secret");
  EXPECT_TRUE(failed(snapshot(spec_between(owner, none.uri())), api::ExitCode::bad_configuration, "public.t"));
}

}  // namespace
}  // namespace tributary::postgres
