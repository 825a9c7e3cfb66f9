#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/pipeline/preview.h"
#include "engine/postgres/preflight/preflight.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"

// What stands in the way on the target: `validate`, the plan and the copy itself say the same.
namespace tributary::postgres {
namespace {

using api::OnTargetNotEmpty;
using testbed::Database;
using testbed::done;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

struct State {
  std::vector<std::string> structure;
  std::map<std::string, std::string> content;
  bool operator==(const State&) const = default;
};

State state_of(const Database& database) {
  return {testbed::structure(database.uri()), testbed::fingerprint(database.uri())};
}

std::vector<api::Finding> findings(const api::Spec& spec) {
  const Result<Validation> validation = validate(spec, soon());
  if (!validation) throw std::runtime_error(describe(validation.error()));
  return validation->findings;
}

std::string text(const std::vector<api::Finding>& findings, const std::string& code) {
  for (const api::Finding& finding : findings) {
    if (finding.code == code) return finding.subject + ": " + finding.message + "; " + finding.hint;
  }
  return "no " + code;
}

std::vector<std::string> errors(const std::vector<api::Finding>& findings) {
  std::vector<std::string> codes;
  for (const api::Finding& finding : findings) {
    if (finding.severity == api::Severity::error) codes.push_back(finding.code);
  }
  return codes;
}

class TheTarget : public ::testing::Test {
 protected:
  TheTarget() : source_(server(15).create_database("place")), target_(server(18).create_database("placed")) {
    source_.exec(
        "CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1, 'x'), (2, NULL);"
        "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); INSERT INTO b VALUES (1, 1)");
  }
  api::Spec spec(OnTargetNotEmpty policy = OnTargetNotEmpty::fail) const {
    api::Spec made = spec_between(source_.uri(), target_.uri());
    made.snapshot.on_target_not_empty = policy;
    return made;
  }
  // Of table a alone.
  api::Spec part(OnTargetNotEmpty policy) const {
    api::Spec made = spec(policy);
    made.selection.include_tables = {source_.name() + ".a"};
    return made;
  }
  // `validate` has this error and no other, the plan and the copy fail with it, and nothing is touched.
  void expect_refused(const api::Spec& made, const std::string& code, const std::string& words) {
    SCOPED_TRACE(code);
    const State before = state_of(target_);
    const std::vector<api::Finding> found = findings(made);
    EXPECT_THAT(errors(found), ::testing::ElementsAre(code));
    EXPECT_THAT(text(found, code), HasSubstr(words));
    const auto servers = make_servers(made);
    pipeline::ProgressBoard board("");
    const Result<pipeline::SnapshotPlan> plan = pipeline::plan_snapshot(*servers, board, soon());
    ASSERT_FALSE(plan);
    EXPECT_THAT(plan.error().what, HasSubstr(words));
    const api::Report report = snapshot(made);
    EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration);
    EXPECT_EQ(report.reason, code);
    EXPECT_THAT(report.message, HasSubstr(words));
    EXPECT_TRUE(state_of(target_) == before);
  }

  Database source_;
  Database target_;
};

TEST_F(TheTarget, that_holds_the_snapshot_already_is_refused_with_what_to_do) {
  ASSERT_TRUE(done(snapshot(spec())));
  expect_refused(spec(), "AlreadyComplete", "holds this snapshot already");
  expect_refused(spec(OnTargetNotEmpty::append), "AlreadyComplete", "holds this snapshot already");
  EXPECT_THAT(text(findings(spec()), "AlreadyComplete"), HasSubstr("--drop-existing"));
  EXPECT_THAT(errors(findings(spec(OnTargetNotEmpty::drop))), IsEmpty());
}

TEST_F(TheTarget, that_holds_another_selection_of_the_database_says_so) {
  ASSERT_TRUE(done(snapshot(part(OnTargetNotEmpty::fail))));
  expect_refused(spec(), "TargetNotEmpty", "another selection of database " + source_.name());
}

TEST_F(TheTarget, that_a_declared_replication_has_completed_is_told_what_it_does_not_hold) {
  api::Spec declared = part(OnTargetNotEmpty::fail);
  declared.replication = "uid-place";
  ASSERT_TRUE(done(snapshot(declared)));
  declared.selection = {};
  EXPECT_THAT(text(findings(declared), "AlreadyComplete"), HasSubstr("does not hold 1 table selected now (public.b)"));
  const api::Report report = snapshot(declared);
  EXPECT_TRUE(done(report));
  EXPECT_THAT(text(report.findings, "AlreadyComplete"), HasSubstr("requestID"));
}

TEST_F(TheTarget, that_belongs_to_a_replication_of_another_source_is_refused) {
  api::Spec declared = spec();
  declared.replication = "uid-place";
  ASSERT_TRUE(done(snapshot(declared)));
  const Database other = server(15).create_database("other_place");
  api::Spec wrong = spec_between(other.uri(), target_.uri());
  wrong.replication = "uid-place";
  wrong.snapshot.request_id = "again";
  expect_refused(wrong, "ReplicationOfAnotherSource", "belongs to database " + source_.name());
}

TEST_F(TheTarget, with_something_else_under_a_selected_name_is_refused) {
  const char* const obstacles[] = {"CREATE VIEW a AS SELECT 1 AS id",
                                   "CREATE MATERIALIZED VIEW a AS SELECT 1 AS id",
                                   "CREATE SEQUENCE a",
                                   "CREATE TYPE a AS ENUM ('x')",
                                   "CREATE TYPE a AS (x int)",
                                   "CREATE DOMAIN a AS int",
                                   "CREATE TABLE other (id int); CREATE INDEX a ON other (id)",
                                   "CREATE TABLE a (id int, t text) PARTITION BY LIST (id)"};
  for (const char* obstacle : obstacles) {
    SCOPED_TRACE(obstacle);
    target_.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    target_.exec(obstacle);
    expect_refused(spec(OnTargetNotEmpty::append), "NameTaken", "public.a");
    expect_refused(part(OnTargetNotEmpty::drop), "NameTaken", "public.a");
  }
}

TEST_F(TheTarget, with_an_ordinary_table_under_the_name_of_a_partitioned_one_is_refused) {
  source_.exec("CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)");
  target_.exec("CREATE TABLE p (id int)");
  expect_refused(spec(OnTargetNotEmpty::append), "NameTaken", "ordinary table public.p");
}

TEST_F(TheTarget, in_which_others_have_the_names_of_indexes_and_sequences_is_refused) {
  source_.exec(
      "CREATE TABLE k (id int PRIMARY KEY, n serial, i int GENERATED ALWAYS AS IDENTITY); CREATE INDEX k_by_n ON k (n);"
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)");
  api::Spec some = spec(OnTargetNotEmpty::drop);
  some.selection.include_tables = {source_.name() + ".k", source_.name() + ".p"};
  for (const char* relation :
       {"CREATE TABLE k_old (id int CONSTRAINT k_pkey PRIMARY KEY)", "CREATE TABLE k_n_seq (id int)",
        "CREATE SEQUENCE k_i_seq", "CREATE VIEW k_by_n AS SELECT 1 AS one",
        "CREATE TABLE p_old (id int CONSTRAINT p_pkey PRIMARY KEY)"}) {
    target_.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    target_.exec(relation);
    expect_refused(spec(OnTargetNotEmpty::append), "NameTaken", "so that the tables would go without: public.");
    expect_refused(some, "NameTaken", "so that the tables would go without: public.");
  }
  target_.exec(
      "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
      "CREATE TABLE k (id int PRIMARY KEY, n serial, i int GENERATED ALWAYS AS IDENTITY); CREATE INDEX k_by_n ON k "
      "(n)");
  EXPECT_THAT(errors(findings(some)), IsEmpty()) << "it goes with all that is its own";
  ASSERT_TRUE(done(snapshot(spec(OnTargetNotEmpty::append))));
}

TEST_F(TheTarget, with_a_table_that_rows_do_not_fit_into_is_refused) {
  const std::pair<const char*, const char*> tables[] = {
      {"CREATE TABLE a (id int)", "public.a has no column t"},
      {"CREATE TABLE a (id int, t text, more int NOT NULL)", "public.a wants a value for column more"},
      {"CREATE TABLE a (id int, t text GENERATED ALWAYS AS ('x') STORED)", "public.a computes column t"}};
  for (const auto& [table, words] : tables) {
    target_.exec("DROP TABLE IF EXISTS a");
    target_.exec(table);
    expect_refused(spec(OnTargetNotEmpty::append), "TargetTableDiffers", words);
  }
  target_.exec("DROP TABLE a; CREATE TABLE a (more int NOT NULL DEFAULT 7, t text, id int, even_more serial)");
  ASSERT_TRUE(done(snapshot(spec(OnTargetNotEmpty::append))));
  EXPECT_EQ(target_.scalar("SELECT string_agg(id || coalesce(t, '-') || more, ',' ORDER BY id) FROM a"), "1x7,2-7");
}

TEST_F(TheTarget, with_columns_of_other_types_is_warned_of_and_with_one_that_stays_empty_refused) {
  source_.exec("CREATE TABLE k (id int, at timestamptz, w varchar(3), twice int GENERATED ALWAYS AS (id * 2) STORED)");
  target_.exec("CREATE TABLE k (id bigint, at date, w text, twice int)");
  expect_refused(spec(OnTargetNotEmpty::append), "TargetTableDiffers",
                 "would stay empty: public.k.twice is computed on the source alone");
  target_.exec("DROP TABLE k; CREATE TABLE k (id bigint, at date, w text, twice int GENERATED ALWAYS AS (id) STORED)");
  const std::vector<api::Finding> found = findings(spec(OnTargetNotEmpty::append));
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_THAT(text(found, "TargetTypesDiffer"),
              HasSubstr("of another type: public.k.at: timestamp with time zone becomes date; "));
}

TEST_F(TheTarget, whose_default_privileges_widen_those_of_the_source_is_warned_of) {
  target_.exec("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC");
  const std::vector<api::Finding> found = findings(spec());
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_THAT(text(found, "DefaultPrivileges"), HasSubstr("role postgres creates there gets"));
  EXPECT_THAT(text(found, "DefaultPrivileges"), HasSubstr("on tables: {=r/postgres,"));
}

TEST_F(TheTarget, with_a_table_whose_triggers_would_fire_is_refused) {
  target_.exec(
      "CREATE TABLE a (id int, t text); CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING;"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.t := ''wrong''; RETURN NEW; END';"
      "CREATE TRIGGER \"A b\" BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();"
      "CREATE TRIGGER other BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();"
      "ALTER TABLE a ENABLE ALWAYS TRIGGER \"A b\", ENABLE ALWAYS TRIGGER other, ENABLE ALWAYS RULE r");
  expect_refused(spec(OnTargetNotEmpty::append), "TargetTriggersFire", "ALTER TABLE public.a DISABLE TRIGGER \"A b\"");
  target_.exec("ALTER TABLE a ENABLE TRIGGER \"A b\"");
  ASSERT_TRUE(done(snapshot(spec(OnTargetNotEmpty::append)))) << "COPY asks no rule";
  EXPECT_EQ(target_.scalar("SELECT string_agg(id || coalesce(t, '-'), ',' ORDER BY id) FROM a"), "1x,2-");
}

TEST_F(TheTarget, with_rows_in_a_selected_table_is_refused) {
  target_.exec("CREATE TABLE a (id int, t text); INSERT INTO a VALUES (9, 'mine')");
  expect_refused(spec(OnTargetNotEmpty::append), "TargetTableNotEmpty", "public.a");
}

TEST_F(TheTarget, whose_tables_others_depend_on_is_refused) {
  const char* const dependants[] = {
      "CREATE VIEW report AS SELECT id FROM a", "CREATE TABLE c (a int REFERENCES a)", "CREATE TABLE c (a a)",
      "CREATE FUNCTION report(a) RETURNS int LANGUAGE sql AS 'SELECT 1'",
      "CREATE TABLE c (id int); CREATE POLICY report ON c USING (EXISTS (SELECT FROM a))"};
  for (const char* dependant : dependants) {
    SCOPED_TRACE(dependant);
    target_.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE a (id int PRIMARY KEY)");
    target_.exec(dependant);
    expect_refused(part(OnTargetNotEmpty::drop), "DependentObjects", "");
  }
}

TEST_F(TheTarget, whose_tables_only_have_parts_of_their_own_can_lose_them) {
  target_.exec(
      "CREATE TABLE a (id serial PRIMARY KEY, t text, boss int REFERENCES a, CHECK (id > 0));"
      "CREATE INDEX ON a (t); CREATE STATISTICS s ON id, t FROM a; CREATE POLICY p ON a USING (id > 0);"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW WHEN (OLD.id > 0) EXECUTE FUNCTION f()");
  const std::vector<api::Finding> found = findings(part(OnTargetNotEmpty::drop));
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_THAT(text(found, "TargetWillBeDropped"), HasSubstr("1 table of it on "));
  EXPECT_TRUE(done(snapshot(part(OnTargetNotEmpty::drop))));
}

TEST_F(TheTarget, whose_copied_tables_others_depend_on_since_is_refused) {
  ASSERT_TRUE(done(snapshot(part(OnTargetNotEmpty::fail))));
  EXPECT_THAT(errors(findings(part(OnTargetNotEmpty::drop))), IsEmpty());
  target_.exec("CREATE VIEW report AS SELECT id FROM a");
  expect_refused(part(OnTargetNotEmpty::drop), "DependentObjects", "view public.report");
}

TEST_F(TheTarget, whose_copied_tables_only_copied_views_depend_on_can_be_copied_again) {
  source_.exec("CREATE VIEW report AS SELECT id FROM a");
  api::Spec declared = spec();
  declared.replication = "uid-views";
  ASSERT_TRUE(done(snapshot(declared)));
  declared.snapshot.request_id = "again";
  EXPECT_THAT(errors(findings(declared)), IsEmpty());
  EXPECT_TRUE(done(snapshot(declared)));
}

TEST_F(TheTarget, with_large_objects_of_the_same_numbers_is_refused) {
  source_.exec("SELECT lo_from_bytea(4711, 'theirs')");
  target_.exec("SELECT lo_from_bytea(4711, 'mine')");
  expect_refused(spec(OnTargetNotEmpty::append), "LargeObjectExists", "4711");
}

TEST_F(TheTarget, that_holds_other_replications_is_not_dropped) {
  const Database other = server(13).create_database("other_place");
  other.exec("CREATE TABLE theirs (i int)");
  ASSERT_TRUE(done(snapshot(spec())));
  api::Spec second = spec_between(other.uri(), target_.uri());
  second.snapshot.on_target_not_empty = OnTargetNotEmpty::append;
  ASSERT_TRUE(done(snapshot(second)));
  expect_refused(spec(OnTargetNotEmpty::drop), "OtherReplications", "holds other replications");
}

TEST_F(TheTarget, that_is_a_template_is_neither_filled_nor_dropped) {
  server(18).exec("postgres", "ALTER DATABASE \"" + target_.name() + "\" IS_TEMPLATE true");
  expect_refused(spec(), "TargetIsTemplate", "template");
  target_.exec("CREATE TABLE mine (i int)");
  for (const OnTargetNotEmpty policy : {OnTargetNotEmpty::append, OnTargetNotEmpty::drop})
    expect_refused(spec(policy), "TargetIsTemplate", "template");
  api::Spec usual = spec(OnTargetNotEmpty::append);
  usual.target = spec_between(source_.uri(), server(18).uri("template1")).target;
  EXPECT_THAT(errors(findings(usual)), Contains("TargetIsTemplate"));
  server(18).exec("postgres", "ALTER DATABASE \"" + target_.name() + "\" IS_TEMPLATE false");
}

TEST_F(TheTarget, that_was_made_read_only_stays_as_it_is) {
  server(18).exec("postgres", "ALTER DATABASE \"" + target_.name() + "\" SET default_transaction_read_only = on");
  for (const OnTargetNotEmpty policy : {OnTargetNotEmpty::fail, OnTargetNotEmpty::append, OnTargetNotEmpty::drop})
    expect_refused(spec(policy), "TargetReadOnly",
                   "default_transaction_read_only is on, set for database " + target_.name());
}

TEST_F(TheTarget, of_a_role_that_was_made_read_only_is_refused) {
  server(18).exec("postgres",
                  "DROP ROLE IF EXISTS careful; CREATE ROLE careful SUPERUSER LOGIN PASSWORD 'p';"
                  "ALTER ROLE careful SET default_transaction_read_only = on");
  api::Spec made = spec_between(source_.uri(), server(18).tcp_uri("not there yet", "careful", "p"));
  EXPECT_THAT(errors(findings(made)), ::testing::ElementsAre("TargetReadOnly"));
  EXPECT_THAT(text(findings(made), "TargetReadOnly"), HasSubstr("is on, set for role careful;"));
  server(18).exec("postgres", "DROP ROLE careful");
}

// ------------------------------------------------------------------------------------------ of a publication

class APublicationOfOthers : public ::testing::Test {
 protected:
  APublicationOfOthers() : source_(server(17).create_database("published")) {
    source_.exec("CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY)");
  }
  api::Spec spec() const {
    api::Spec made = spec_between(source_.uri(), server(18).uri(source_.name()));
    made.mode = api::Mode::snapshot_and_sync;
    made.sync.publication = "theirs";
    return made;
  }
  Database source_;
  Database target_ = server(18).adopt_database(source_.name());  // that is not there
};

TEST_F(APublicationOfOthers, is_refused_before_anything_is_made) {
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT 1", "PublicationMissing"},
      {"CREATE PUBLICATION theirs FOR TABLE a WHERE (id > 1), b", "PublicationFilters"},
      {"CREATE PUBLICATION theirs FOR TABLE a, b WITH (publish = 'insert')", "PublicationOperations"},
  };
  for (const auto& [make, code] : cases) {
    SCOPED_TRACE(code);
    source_.exec(make);
    EXPECT_THAT(errors(findings(spec())), ::testing::ElementsAre(code));
    const auto servers = make_servers(spec());
    pipeline::ProgressBoard board("");
    EXPECT_FALSE(pipeline::plan_snapshot(*servers, board, soon()));
    const api::Report report = snapshot(spec());
    EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration);
    EXPECT_EQ(report.reason, code);
    EXPECT_EQ(
        server(18).scalar("postgres", "SELECT count(*) FROM pg_database WHERE datname = '" + source_.name() + "'"),
        "0");
    source_.exec("DROP PUBLICATION IF EXISTS theirs");
  }
}

TEST_F(APublicationOfOthers, that_lacks_a_table_is_used_and_the_table_is_named) {
  source_.exec("CREATE PUBLICATION theirs FOR TABLE a");
  EXPECT_THAT(text(findings(spec()), "PublicationLacksTables"), HasSubstr("does not carry public.b"));
  const api::Report report = snapshot(spec());
  ASSERT_TRUE(done(report));
  EXPECT_THAT(text(report.findings, "PublicationLacksTables"), HasSubstr("does not carry public.b"));
  source_.exec(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()");
}

// ------------------------------------------------------------------------------------------ of several databases

TEST_F(TheTarget, loses_a_database_only_where_all_of_its_tables_are_selected) {
  const Database other = server(15).create_database("beside");
  other.exec("CREATE TABLE t AS SELECT 1 AS i");
  auto& to = server(18);
  const Database partly = to.adopt_database(source_.name());
  const Database wholly = to.adopt_database(other.name());
  to.exec("postgres", "CREATE DATABASE \"" + source_.name() + "\"");
  to.exec("postgres", "CREATE DATABASE \"" + other.name() + "\"");
  partly.exec("CREATE TABLE mine AS SELECT 1 AS i; CREATE TABLE a (wrong int)");
  wholly.exec("CREATE TABLE mine AS SELECT 1 AS i");
  api::Spec made = spec_between(source_.uri(), to.uri("postgres"));
  made.selection.include_databases = {source_.name(), other.name()};
  made.selection.exclude_tables = {source_.name() + ".b"};
  made.snapshot.on_target_not_empty = OnTargetNotEmpty::drop;
  const std::vector<api::Finding> found = findings(made);
  EXPECT_THAT(errors(found), IsEmpty());
  std::vector<std::string> drops;
  for (const api::Finding& finding : found)
    if (finding.code == "TargetWillBeDropped") drops.push_back(finding.subject + ": " + finding.message);
  EXPECT_THAT(drops, Contains(HasSubstr(source_.name() + ": 1 table of it")));
  EXPECT_THAT(drops, Contains(HasSubstr(other.name() + ": everything in it")));
  ASSERT_TRUE(done(snapshot(made)));
  EXPECT_EQ(partly.scalar("SELECT i FROM mine"), "1");
  EXPECT_EQ(partly.scalar("SELECT count(*) FROM a"), "2");
  EXPECT_TRUE(same_content(other.uri(), wholly.uri()));
}

// ------------------------------------------------------------------------------------------ connections

// A role that owns both databases and may have so many sessions.
class Bounded {
 public:
  Bounded(testbed::PostgresServer& server, const Database& database, int limit) : server_(server) {
    server_.exec("postgres", "DROP ROLE IF EXISTS bounded; CREATE ROLE bounded LOGIN PASSWORD 'p' CONNECTION LIMIT " +
                                 std::to_string(limit));
    server_.exec("postgres", "ALTER DATABASE \"" + database.name() + "\" OWNER TO bounded");
    database.exec(
        "DO $$DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " LOOP EXECUTE 'ALTER TABLE ' || t || ' OWNER TO bounded'; END LOOP; END$$");
    database.exec("ALTER SCHEMA public OWNER TO bounded");
    uri_ = server_.tcp_uri(database.name(), "bounded", "p");
    database_ = database.name();
  }
  ~Bounded() {
    server_.exec("postgres", "ALTER DATABASE \"" + database_ + "\" OWNER TO postgres");
    server_.exec(database_, "REASSIGN OWNED BY bounded TO postgres; DROP OWNED BY bounded; DROP ROLE bounded");
  }
  Bounded(const Bounded&) = delete;
  Bounded& operator=(const Bounded&) = delete;
  const std::string& uri() const { return uri_; }

 private:
  testbed::PostgresServer& server_;
  std::string uri_;
  std::string database_;
};

TEST_F(TheTarget, is_copied_into_with_as_few_connections_as_are_said_to_be_enough) {
  const Bounded from(server(15), source_, 2);
  const Bounded to(server(18), target_, 2);
  api::Spec made = spec_between(from.uri(), to.uri());
  const std::vector<api::Finding> found = findings(made);
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_THAT(text(found, "FewConnections"), HasSubstr("leaves room for 1 copy stream"));
  ASSERT_TRUE(done(snapshot(made)));
  EXPECT_TRUE(same_content(source_.uri(), target_.uri()));
}

TEST_F(TheTarget, is_refused_with_fewer_connections_than_are_needed) {
  const Bounded from(server(15), source_, 1);
  expect_refused(spec_between(from.uri(), target_.uri()), "ConnectionLimitTooLow",
                 "the CONNECTION LIMIT of role bounded allows 1 session");
}

TEST_F(TheTarget, with_a_bounded_database_is_copied_into_with_fewer_streams_than_were_asked_for) {
  const Bounded to(server(18), target_, -1);
  server(18).exec("postgres", "ALTER DATABASE \"" + target_.name() + "\" CONNECTION LIMIT 4");
  api::Spec made = spec_between(source_.uri(), to.uri());
  made.snapshot.parallelism = 16;
  EXPECT_THAT(text(findings(made), "FewConnections"),
              HasSubstr("database " + target_.name() + " leaves room for 2 copy streams instead of 16"));
  ASSERT_TRUE(done(snapshot(made)));
  server(18).exec("postgres", "ALTER DATABASE \"" + target_.name() + "\" CONNECTION LIMIT -1");
}

// ------------------------------------------------------------------------------------------ large objects, position

TEST_F(TheTarget, gets_large_objects_with_a_selection_only_where_they_may_be_referred_to) {
  source_.exec("SELECT lo_from_bytea(4711, 'x'); CREATE DOMAIN lo AS oid; CREATE TABLE docs (id int, body lo)");
  EXPECT_THAT(text(findings(part(OnTargetNotEmpty::fail)), "LargeObjectsLeftOut"),
              HasSubstr("1 large object is not copied: no selected table"));
  ASSERT_TRUE(done(snapshot(part(OnTargetNotEmpty::fail))));
  EXPECT_EQ(target_.scalar("SELECT count(*) FROM pg_largeobject_metadata"), "0");
  api::Spec docs = spec(OnTargetNotEmpty::append);
  docs.selection.include_tables = {source_.name() + ".docs"};
  EXPECT_THAT(text(findings(docs), "LargeObjects"), HasSubstr("public.docs"));
  ASSERT_TRUE(done(snapshot(docs)));
  EXPECT_EQ(target_.scalar("SELECT convert_from(lo_get(4711), 'UTF8')"), "x");
}

TEST_F(TheTarget, is_told_the_position_that_the_snapshot_was_taken_at) {
  const std::string before = source_.scalar("SELECT pg_current_wal_insert_lsn()");
  const api::Report report = snapshot(spec());
  ASSERT_TRUE(done(report));
  const std::string position = report.databases.at(0).position;
  EXPECT_EQ(source_.scalar("SELECT '" + before + "'::pg_lsn <= '" + position + "'::pg_lsn AND '" + position +
                           "'::pg_lsn <= pg_current_wal_insert_lsn()"),
            "t");
  EXPECT_EQ(target_.scalar("SELECT position FROM _tributary.replication"), position);
}

}  // namespace
}  // namespace tributary::postgres
