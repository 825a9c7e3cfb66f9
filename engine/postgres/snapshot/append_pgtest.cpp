#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"

// What a snapshot leaves as it was in a target database that it adds to, and what it puts back.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::failed;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr api::ExitCode refused = api::ExitCode::bad_configuration;

struct Pair {
  explicit Pair(const std::string& name, int from = 14, int to = 18)
      : source(server(from).create_database(name)), target(server(to).create_database(name)) {}
  api::Spec append() const {
    api::Spec spec = spec_between(source.uri(), target.uri());
    spec.replication = "uid of " + source.name();
    spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
    return spec;
  }
  Database source;
  Database target;
};

std::vector<std::string> codes(const api::Report& report) {
  std::vector<std::string> found;
  for (const api::Finding& finding : report.findings) found.push_back(finding.code + " " + finding.subject);
  return found;
}

// On both servers, as each has its own and the other's.
void create_roles() {
  for (const int major : {14, 18})
    for (const char* role : {"append_theirs", "append_mine"})
      server(major).exec("postgres", std::string("DO $$BEGIN CREATE ROLE ") + role +
                                         "; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$");
}

// Owner, grants, comment and default of what both sides have, and schema public.
constexpr const char* what_was_there = R"sql(
  SELECT format('%s | %s | %s', (SELECT string_agg(format('%s %s %s %s', relname, relowner::regrole, relacl,
    obj_description(oid, 'pg_class')), '; ' ORDER BY relname) FROM pg_class WHERE relname IN ('notes', 'counter', 'v')),
    (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'notes'::regclass),
    (SELECT string_agg(format('%s %s %s %s', nspname, nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace')),
    '; ' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('public', 'app'))))sql";

TEST(ADatabaseThatIsAddedTo, keeps_owner_grants_comment_and_default_of_what_it_had) {
  const Pair pair("kept", 18);
  create_roles();
  pair.source.exec(
      "CREATE SCHEMA app AUTHORIZATION append_theirs; COMMENT ON SCHEMA app IS 'theirs'; GRANT ALL ON SCHEMA app TO "
      "PUBLIC;"
      "GRANT ALL ON SCHEMA public TO append_theirs; COMMENT ON SCHEMA public IS 'theirs';"
      "CREATE TABLE notes (t text DEFAULT 'theirs'); COMMENT ON TABLE notes IS 'theirs'; COMMENT ON COLUMN notes.t IS "
      "'x';"
      "INSERT INTO notes VALUES ('a'); GRANT ALL ON notes TO PUBLIC; ALTER TABLE notes OWNER TO append_theirs;"
      "CREATE SEQUENCE counter; COMMENT ON SEQUENCE counter IS 'theirs'; SELECT setval('counter', 500);"
      "CREATE VIEW v AS SELECT 1 AS i; COMMENT ON VIEW v IS 'theirs'; ALTER VIEW v OWNER TO append_theirs;"
      "CREATE TABLE app.fresh (i int DEFAULT 1); COMMENT ON TABLE app.fresh IS 'theirs';"
      "ALTER TABLE app.fresh OWNER TO append_theirs; GRANT SELECT ON app.fresh TO append_mine;"
      "CREATE SEQUENCE app.fresh_count; SELECT setval('app.fresh_count', 77)");
  pair.target.exec(
      "CREATE SCHEMA app AUTHORIZATION append_mine; COMMENT ON SCHEMA app IS 'mine';"
      "CREATE TABLE notes (t text DEFAULT 'mine'); COMMENT ON TABLE notes IS 'mine'; ALTER TABLE notes OWNER TO "
      "append_mine;"
      "CREATE SEQUENCE counter; SELECT setval('counter', 7); CREATE VIEW v AS SELECT 1 AS i");
  const std::string before = pair.target.scalar(what_was_there);
  const api::Report report = snapshot(pair.append());
  ASSERT_TRUE(done(report));
  EXPECT_EQ(pair.target.scalar(what_was_there), before);
  EXPECT_EQ(pair.target.scalar("SELECT last_value FROM counter"), "7");
  EXPECT_EQ(pair.target.scalar("SELECT t FROM notes"), "a");
  EXPECT_THAT(codes(report), Contains("AlreadyThere sequence public.counter"));
  const std::string fresh =
      "SELECT format('%s %s %s %s', relowner::regrole, relacl, obj_description(oid, 'pg_class'), (SELECT last_value "
      "FROM "
      "app.fresh_count)) FROM pg_class WHERE oid = 'app.fresh'::regclass";
  EXPECT_EQ(pair.target.scalar(fresh), pair.source.scalar(fresh));
}

TEST(ADatabaseThatIsAddedTo, keeps_definitions_that_a_dump_would_only_change) {
  const Pair pair("defined", 15);
  pair.source.exec(
      "CREATE TABLE plain (i int); ALTER TABLE plain ENABLE ROW LEVEL SECURITY; INSERT INTO plain VALUES (1);"
      "CREATE TABLE p (i int, k int) PARTITION BY LIST (k); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);"
      "CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (1, 1), (2, 2);"
      "CREATE VIEW one AS SELECT 1 AS a; CREATE VIEW two AS SELECT a FROM one;"
      "CREATE OR REPLACE VIEW one AS SELECT a FROM two; CREATE MATERIALIZED VIEW m AS SELECT 5 AS i");
  pair.target.exec(
      "CREATE TABLE plain (i int); CREATE TABLE p (i int, k int) PARTITION BY LIST (k);"
      "CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1); CREATE VIEW one AS SELECT 7 AS a;"
      "CREATE MATERIALIZED VIEW m AS SELECT 6 AS i WITH NO DATA");
  ASSERT_TRUE(done(snapshot(pair.append())));
  EXPECT_EQ(pair.target.scalar("SELECT relrowsecurity FROM pg_class WHERE relname = 'plain'"), "f");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM p"), "2");
  EXPECT_EQ(pair.target.scalar("SELECT (SELECT a FROM one) + (SELECT a FROM two)"), "14");
  EXPECT_EQ(pair.target.scalar("SELECT relispopulated FROM pg_class WHERE relname = 'm'"), "f");
}

TEST(ADatabaseThatIsAddedTo, is_spoken_of_again_by_a_run_that_keeps_finished_tables) {
  const Pair pair("spoken_of");
  pair.source.exec(
      "CREATE TABLE t AS SELECT 1 AS i; CREATE TABLE notes (t text); INSERT INTO pg_seclabel VALUES ('t'::regclass,"
      " 'pg_class'::regclass, 0, 'nobody', 'classified')");
  pair.target.exec("CREATE TABLE notes (t text)");
  api::Spec spec = pair.append();
  spec.snapshot.resume_per_table = true;
  for (const api::Consistency consistency : {api::Consistency::snapshot, api::Consistency::per_table}) {
    const api::Report report = snapshot(spec);
    ASSERT_TRUE(done(report));
    EXPECT_EQ(report.consistency, consistency);
    EXPECT_THAT(codes(report), Contains("StepSkipped security label TABLE \"t\" in schema public"));
    EXPECT_THAT(codes(report), Contains("AlreadyThere table public.notes"));
    pair.target.exec("UPDATE _tributary.replication SET state = 'copying', completed = NULL");
  }
}

TEST(ADatabaseThatIsAddedTo, goes_on_counting_where_the_copied_rows_end) {
  const Pair pair("counting");
  pair.source.exec(
      "CREATE TABLE orders (id serial PRIMARY KEY); INSERT INTO orders SELECT FROM generate_series(1, 40);"
      "CREATE TABLE parts (id serial, k int) PARTITION BY LIST (k); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES "
      "IN "
      "(1); INSERT INTO parts (k) SELECT 1 FROM generate_series(1, 30);"
      "CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY); INSERT INTO items SELECT FROM generate_series(1, 20)");
  pair.target.exec(
      "CREATE TABLE orders (id serial PRIMARY KEY);"
      "CREATE TABLE parts (id serial, k int) PARTITION BY LIST (k); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES "
      "IN "
      "(1); CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY)");
  ASSERT_TRUE(done(snapshot(pair.append())));
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
  EXPECT_EQ(pair.target.scalar("INSERT INTO orders DEFAULT VALUES RETURNING id"), "41");
  EXPECT_EQ(pair.target.scalar("INSERT INTO parts (k) VALUES (1) RETURNING id"), "31");
  EXPECT_EQ(pair.target.scalar("INSERT INTO items DEFAULT VALUES RETURNING id"), "21");
}

TEST(ADatabaseThatIsAddedTo, gives_back_what_a_copy_added_to_its_tables_when_that_is_repeated) {
  const Pair pair("added_parts", 15);
  pair.source.exec(
      "CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE notes (id int PRIMARY KEY, o int REFERENCES other);"
      "INSERT INTO other VALUES (1); INSERT INTO notes VALUES (1, 1); CREATE FUNCTION f(other) RETURNS bool LANGUAGE "
      "sql "
      "AS 'SELECT true'; ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY p ON notes USING (EXISTS (SELECT FROM other x WHERE f(x)))");
  pair.target.exec("CREATE TABLE notes (id int PRIMARY KEY, o int)");
  api::Spec spec = pair.append();
  for (const char* request : {"", "again"}) {
    spec.snapshot.request_id = request;
    ASSERT_TRUE(done(snapshot(spec)));
    EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM pg_policies"), "1");
  }
  pair.target.exec("ALTER TABLE notes ADD CONSTRAINT mine FOREIGN KEY (o) REFERENCES other");
  spec.snapshot.request_id = "third";
  EXPECT_TRUE(failed(snapshot(spec), refused, "constraint mine on table"));
}

// As CREATE EXTENSION leaves it: a table with rows of the extension's, to which users add their own.
constexpr const char* configured_extension =
    "CREATE EXTENSION citext; CREATE TABLE config (id int PRIMARY KEY, own bool, pad text);"
    "INSERT INTO config SELECT i, false, repeat('x', 500) FROM generate_series(1, 4000) i; ALTER EXTENSION citext ADD "
    "TABLE config; UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = ARRAY['WHERE "
    "own']"
    " WHERE extname = 'citext'; ANALYZE";

TEST(ATableOfAnExtension, gets_the_rows_of_users_and_keeps_the_extensions_own) {
  const Pair pair("configured", 15, 18);
  pair.source.exec(configured_extension);
  pair.source.exec("INSERT INTO config VALUES (9000, true, 'a user''s')");
  pair.target.exec(configured_extension);
  api::Spec spec = pair.append();
  for (const char* request : {"", "again"}) {
    spec.snapshot.request_id = request;
    ASSERT_TRUE(done(snapshot(spec)));
    EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
    pair.source.exec("INSERT INTO config SELECT max(id) + 1, true, 'another' FROM config");
  }
  pair.target.exec("DELETE FROM _tributary.replication");
  EXPECT_TRUE(failed(snapshot(spec), refused, "public.config"));
}

// ------------------------------------------------------------------------------------------ put back

constexpr const char* default_privileges =
    "SELECT string_agg(format('%s %s %s %s', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, "
    "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(defaclacl) a)), '; ' ORDER BY "
    "defaclrole::regrole::text,"
    " defaclnamespace::regnamespace::text, defaclobjtype) FROM pg_default_acl";

TEST(DefaultPrivileges, of_the_target_come_back_when_a_copy_is_taken_back) {
  const Pair pair("defaults");
  create_roles();
  pair.source.exec(
      "CREATE SCHEMA app; ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO append_theirs;"
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON SEQUENCES TO append_theirs WITH GRANT OPTION;"
      "ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;"
      "ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO append_theirs");
  pair.target.exec(
      "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO append_mine WITH GRANT OPTION;"
      "ALTER DEFAULT PRIVILEGES REVOKE DELETE ON TABLES FROM CURRENT_USER;"
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO PUBLIC;"
      "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC");
  const std::string before = pair.target.scalar(default_privileges);
  api::Spec spec = pair.append();
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_NE(pair.target.scalar(default_privileges), before);
  pair.source.exec(
      "ALTER DEFAULT PRIVILEGES REVOKE INSERT ON TABLES FROM append_theirs;"
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM append_theirs;"
      "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;"
      "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM append_theirs");
  ASSERT_EQ(pair.source.scalar(default_privileges), "");
  spec.snapshot.request_id = "again";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_EQ(pair.target.scalar(default_privileges), before);
}

TEST(ASchema, stays_where_somebody_put_objects_of_his_own_into_it) {
  const Pair pair("guests");
  pair.source.exec("CREATE SCHEMA app; CREATE TABLE app.t AS SELECT 1 AS i");
  api::Spec spec = spec_between(pair.source.uri(), pair.target.uri());
  spec.replication = "uid-guests";
  ASSERT_TRUE(done(snapshot(spec)));
  pair.target.exec("CREATE TABLE app.mine AS SELECT 2 AS i");
  pair.source.exec("UPDATE app.t SET i = 3");
  spec.snapshot.request_id = "again";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_EQ(pair.target.scalar("SELECT (SELECT i FROM app.t) * 10 + (SELECT i FROM app.mine)"), "32");
}

// ------------------------------------------------------------------------------------------ refused rows

constexpr const char* table_with_a_trigger =
    "CREATE TABLE t (id int);"
    "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id := -1; RETURN NEW; END';"
    "CREATE TRIGGER changes BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION change();";

// The checks have seen it as it was before somebody enabled it, who is an event trigger here.
TEST(ADatabaseThatIsAddedTo, gets_no_rows_that_a_trigger_would_change) {
  const Pair pair("fired", 14, 16);
  pair.source.exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE u (id int)");
  pair.target.exec(
      std::string(table_with_a_trigger) +
      "CREATE FUNCTION enable() RETURNS event_trigger LANGUAGE plpgsql AS"
      " 'BEGIN ALTER TABLE public.t ENABLE ALWAYS TRIGGER changes; END';"
      "CREATE EVENT TRIGGER enables ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION enable();"
      "ALTER EVENT TRIGGER enables ENABLE ALWAYS");
  const api::Report report = snapshot(pair.append());
  EXPECT_TRUE(failed(report, refused, "table public.t: on the target, trigger changes of public.t would fire"));
  EXPECT_THAT(report.hint, HasSubstr("ALTER TABLE public.t DISABLE TRIGGER changes"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "0");
}

TEST(ADatabaseThatIsAddedTo, waits_for_who_is_enabling_a_trigger_before_it_looks_at_those) {
  const Pair pair("enabling", 14, 16);
  pair.source.exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  pair.target.exec(table_with_a_trigger);
  testbed::Session other(pair.target.uri());
  other.exec("BEGIN; ALTER TABLE t ENABLE ALWAYS TRIGGER changes");
  auto copy = std::async(std::launch::async, [&] { return snapshot(pair.append()); });
  testbed::wait_until("the copy waits", [&] {
    return pair.target.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") != "0";
  });
  other.exec("COMMIT");
  EXPECT_TRUE(failed(copy.get(), refused, "table public.t: on the target, trigger changes of public.t would fire"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "0");
}

TEST(AStepThatIsRefused, says_whose_search_path_is_missing) {
  const Pair pair("pathless");
  pair.source.exec(
      "CREATE FUNCTION inner_one(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';"
      "CREATE FUNCTION outer_one(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN inner_one($1); END';"
      "CREATE TABLE t (word text); INSERT INTO t VALUES ('A'); CREATE INDEX t_by_word ON t (outer_one(word))");
  const api::Report report = snapshot(pair.append());
  EXPECT_TRUE(failed(report, refused, "index public.t_by_word"));
  EXPECT_THAT(report.hint, HasSubstr("ALTER FUNCTION ... SET search_path"));
}

TEST(AStepThatIsRefused, for_want_of_a_right_says_who_can_give_it) {
  const Pair pair("rightless");
  pair.source.exec("CREATE FUNCTION pid() RETURNS int LANGUAGE internal AS 'pg_backend_pid'");
  const std::string role = "plain_" + pair.target.name();
  server(18).exec("postgres", "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'; ALTER DATABASE " + pair.target.name() +
                                  " OWNER TO " + role);
  api::Spec spec = pair.append();
  spec.target = spec_between("", server(18).tcp_uri(pair.target.name(), role, "secret")).target;
  spec.snapshot.roles = false;
  const api::Report report = snapshot(spec);
  EXPECT_TRUE(failed(report, refused, "permission denied for language internal"));
  EXPECT_THAT(report.hint, HasSubstr("have a superuser create the object there"));
}

struct Refusal {
  const char* name;
  const char* target;  // what the target has in place of source's t (id int, word text)
  std::vector<const char*> told;
};

class ATargetsTable : public ::testing::TestWithParam<Refusal> {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ATargetsTable,
    ::testing::Values(
        Refusal{"check",
                "CREATE TABLE t (id int, word text CONSTRAINT short CHECK (word <> 'the secret'))",
                {"[23514]", "row 2", "short"}},
        Refusal{"type", "CREATE TABLE t (id int, word int)", {"[22P02]", "row 2", "column word"}},
        Refusal{"length", "CREATE TABLE t (id int, word varchar(3))", {"[22001]", "row 2"}},
        Refusal{"function",
                "CREATE FUNCTION f(id int, word text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN IF id = 2 THEN RAISE "
                "EXCEPTION ''no %'', word; END IF; RETURN true; END'; CREATE TABLE t (id int, word text, CHECK (f(id, "
                "word)))",
                {"[P0001]", "row 2"}}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_P(ATargetsTable, that_refuses_a_row_is_named_without_the_rows_values_and_not_tried_again) {
  const Pair pair("refusing");
  pair.source.exec("CREATE TABLE t (id int, word text); INSERT INTO t VALUES (1, '1'), (2, 'the secret')");
  pair.target.exec(GetParam().target);
  const api::Report report = snapshot(pair.append());
  EXPECT_TRUE(failed(report, refused, "table public.t"));
  for (const char* words : GetParam().told) EXPECT_THAT(report.message, HasSubstr(words));
  EXPECT_THAT(report.message + report.hint, Not(HasSubstr("secret")));
  EXPECT_NE(report.hint, "");
}

}  // namespace
}  // namespace tributary::postgres
