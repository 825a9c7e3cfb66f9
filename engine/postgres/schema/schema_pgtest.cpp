#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/schema/schema_read.h"
#include "engine/postgres/schema/sequences.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

Connection connect(const std::string& uri, std::vector<std::string> settings) {
  auto connection = Connection::open(parse_conninfo(uri).value(), settings, soon());
  if (!connection) throw std::runtime_error(connection.error().what);
  return std::move(connection).value();
}

Connection connect_target(const std::string& uri) {
  return connect(uri, {"session_replication_role = replica", "row_security = off"});
}

// A source database whose snapshot is held, and what was read under it.
struct Reading {
  Connection connection;
  std::vector<api::Finding> findings;
  SourceSchema schema;
};

bool all(const model::Name&) {
  return true;
}

Reading read(const std::string& uri, Connection& target, const SelectsTable& selects = all) {
  Connection connection = connect(uri, {"row_security = off"});
  EXPECT_TRUE(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", soon()));
  const std::string snapshot = connection.query_row("SELECT pg_export_snapshot()", {}, soon())->str(0, 0);
  std::vector<api::Finding> findings;
  const TargetTraits traits = read_target_traits(target, soon()).value();
  auto schema = read_schema(
      connection, {parse_conninfo(uri).value(), snapshot, testbed::client_program("pg_dump"), selects, traits},
      findings, soon());
  if (!schema) throw std::runtime_error(describe(schema.error()));
  return {std::move(connection), std::move(findings), std::move(schema).value()};
}

void must(const Result<void>& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + describe(result.error()));
}

void run_step(Connection& target, const pipeline::SchemaStep& step, std::vector<std::string>& failures) {
  auto result = target.execute(step.sql, soon());
  if (result && !step.validate.empty()) result = target.execute(step.validate, soon());
  if (result) return;
  const std::string words = step.object + ": " + result.error().what;
  if (!step.optional) throw std::runtime_error(words + "\n" + step.sql);
  failures.push_back(words);
}

void run_stage(Connection& target, const pipeline::Schema& schema, pipeline::Stage stage,
               std::vector<std::string>& failures) {
  for (const pipeline::SchemaStep& step : schema.steps) {
    if (step.stage == stage) run_step(target, step, failures);
  }
}

void copy_rows(Connection& source, Connection& target, const model::Name& table) {
  std::string columns;
  const Rows names = source
                         .query(
                             "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
                             "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                             {quote_name(table)}, soon())
                         .value();
  for (int i = 0; i < names.size(); ++i) columns += (i == 0 ? "" : ", ") + quote_identifier(names.text(i, 0));
  const std::string what = quote_name(table) + (columns.empty() ? "" : " (" + columns + ")");
  CopyOut out = source.copy_out("COPY " + what + " TO STDOUT", soon()).value();
  auto in = target.copy_in("COPY " + what + " FROM STDIN", soon());
  if (!in) throw std::runtime_error(display(table) + ": " + in.error().what);
  for (;;) {
    const auto message = out.next(soon());
    if (!message) throw std::runtime_error(message.error().what);
    if (message->empty()) break;
    must(in->write(*message, soon()), display(table));
  }
  const auto rows = in->finish(soon());
  if (!rows) throw std::runtime_error(display(table) + ": " + rows.error().what);
}

// The plain way: one step after another, the rows in between. Answers what optional steps failed with.
std::vector<std::string> carry_out(Reading& reading, Connection& target, const SelectsTable& selects = all) {
  const pipeline::Schema& schema = reading.schema.schema;
  for (const std::string& setting : schema.settings) must(target.execute("SET " + setting, soon()), setting);
  std::vector<std::string> failures;
  run_stage(target, schema, pipeline::Stage::before_data, failures);
  const Rows tables = reading.connection
                          .query(
                              "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                              "ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' "
                              "AND n.nspname <> 'information_schema'",
                              soon())
                          .value();
  for (int i = 0; i < tables.size(); ++i) {
    const model::Name name{tables.str(i, 0), tables.str(i, 1)};
    if (selects(name)) copy_rows(reading.connection, target, name);
  }
  run_stage(target, schema, pipeline::Stage::with_table, failures);
  run_stage(target, schema, pipeline::Stage::foreign_key, failures);
  const auto values = read_sequences(reading.connection, reading.schema.sequences, soon());
  if (!values) throw std::runtime_error(values.error().what);
  must(set_sequences(target, *values, soon()), "sequences");
  run_stage(target, schema, pipeline::Stage::after_data, failures);
  return failures;
}

// A source and an empty target of one server.
struct Two {
  explicit Two(int source_major, int target_major)
      : source(testbed::server(source_major).create_database("source")),
        copy(testbed::server(target_major).create_database("copy")) {}
  testbed::Database source;
  testbed::Database copy;
};

std::vector<std::string> codes(const std::vector<api::Finding>& findings) {
  std::vector<std::string> result;
  for (const api::Finding& finding : findings) result.push_back(finding.code + " " + finding.subject);
  return result;
}

class EachMajor : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Majors, EachMajor, ::testing::Values(13, 17, 18));

TEST_P(EachMajor, keeps_the_names_of_foreign_keys_of_partitions_and_validates_them_all) {
  const Two two(GetParam(), GetParam());
  two.source.exec(
      "CREATE TABLE hen (id integer PRIMARY KEY); INSERT INTO hen VALUES (1), (2);"
      "CREATE TABLE entry (id integer NOT NULL, hen integer CONSTRAINT from_partitioned REFERENCES hen DEFERRABLE) "
      "PARTITION BY RANGE (id);"
      "CREATE TABLE entry_1 (id integer NOT NULL, hen integer, CONSTRAINT leaf_own_name FOREIGN KEY (hen) REFERENCES "
      "hen "
      "DEFERRABLE); ALTER TABLE entry ATTACH PARTITION entry_1 FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE entry_2 PARTITION OF entry FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);"
      "CREATE TABLE entry_2_a PARTITION OF entry_2 FOR VALUES FROM (10) TO (20);"
      "INSERT INTO entry VALUES (1, 1), (11, 2), (12, NULL);"
      "CREATE TABLE measured (at integer PRIMARY KEY) PARTITION BY RANGE (at);"
      "CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM (0) TO (5) PARTITION BY RANGE (at);"
      "CREATE TABLE measured_1_a PARTITION OF measured_1 DEFAULT; CREATE TABLE measured_2 PARTITION OF measured "
      "DEFAULT;"
      "INSERT INTO measured VALUES (1), (9); CREATE TABLE note (at integer CONSTRAINT to_partitioned REFERENCES "
      "measured);"
      "INSERT INTO note VALUES (1), (9), (NULL)");
  Connection target = connect_target(two.copy.uri());
  Reading reading = read(two.source.uri(), target);
  EXPECT_THAT(carry_out(reading, target), IsEmpty());
  const std::string names =
      "SELECT string_agg(conname || convalidated, ',' ORDER BY conname) FROM pg_constraint WHERE conname IN "
      "('leaf_own_name', 'from_partitioned', 'to_partitioned', 'entry_2_a_hen_fkey')";
  EXPECT_EQ(two.copy.scalar(names), two.source.scalar(names));
  EXPECT_EQ(two.copy.scalar("SELECT count(*) FROM pg_constraint WHERE NOT convalidated AND contype = 'f'"),
            two.source.scalar("SELECT count(*) FROM pg_constraint WHERE NOT convalidated AND contype = 'f'"));
}

// Rows that the source itself could hold only behind its keys' backs.
TEST_P(EachMajor, counts_orphans_and_leaves_their_keys_not_valid) {
  const Two two(GetParam(), GetParam());
  two.source.exec(
      "CREATE TABLE parent (id integer PRIMARY KEY, b integer, UNIQUE (id, b)); INSERT INTO parent VALUES (1, 1);"
      "CREATE TABLE plain (id integer REFERENCES parent);"
      "CREATE TABLE full_match (a integer, b integer, FOREIGN KEY (a, b) REFERENCES parent (id, b) MATCH FULL);"
      "CREATE TABLE divided (k integer, id integer REFERENCES parent) PARTITION BY LIST (k);"
      "CREATE TABLE divided_1 PARTITION OF divided FOR VALUES IN (1);"
      "CREATE TABLE divided_2 PARTITION OF divided FOR VALUES IN (2);"
      "SET session_replication_role = replica;"
      "INSERT INTO plain VALUES (1), (2), (3), (NULL);"
      "INSERT INTO full_match VALUES (1, 1), (1, NULL), (NULL, NULL), (2, 2);"
      "INSERT INTO divided VALUES (1, 1), (2, 9), (2, NULL)");
  Connection target = connect_target(two.copy.uri());
  Reading reading = read(two.source.uri(), target);
  std::map<std::string, std::string> orphans;
  for (pipeline::SchemaStep& step : reading.schema.schema.steps) {
    if (step.stage != pipeline::Stage::foreign_key) continue;
    orphans[step.object] = two.source.scalar(step.orphans);
    step.optional = true;
  }
  EXPECT_EQ(orphans, (std::map<std::string, std::string>{{"foreign key plain_id_fkey of public.plain", "2"},
                                                         {"foreign key full_match_a_b_fkey of public.full_match", "2"},
                                                         {"foreign key divided_id_fkey of public.divided", "1"},
                                                         {"foreign key divided_id_fkey of public.divided_1", "0"},
                                                         {"foreign key divided_id_fkey of public.divided_2", "1"}}));
  EXPECT_EQ(carry_out(reading, target).size(), 4U);
  EXPECT_EQ(two.copy.scalar(
                "SELECT string_agg(conrelid::regclass || ' ' || convalidated, ', ' ORDER BY 1) FROM pg_constraint "
                "WHERE contype = 'f' AND conrelid <> 'divided'::regclass"),
            "divided_1 true, divided_2 false, full_match false, plain false");
}

TEST(APartitionedExclusion, arrives_though_pg_restore_cannot_bring_it) {
  for (const int major : {17, 18}) {
    const Two two(major, major);
    two.source.exec(
        "CREATE TABLE divided (id integer, n integer, CONSTRAINT once EXCLUDE USING btree (id WITH =)) PARTITION BY "
        "RANGE (id);"
        "CREATE TABLE divided_1 PARTITION OF divided FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
        "CREATE TABLE divided_1_a PARTITION OF divided_1 FOR VALUES FROM (0) TO (5);"
        "INSERT INTO divided VALUES (1, 1), (2, 2)");
    if (major >= 18) {
      two.source.exec(
          "CREATE EXTENSION btree_gist; CREATE TABLE spans (id integer, at daterange, PRIMARY KEY (id, at WITHOUT "
          "OVERLAPS)) PARTITION BY LIST (id);"
          "CREATE TABLE spans_1 PARTITION OF spans FOR VALUES IN (1);"
          "CREATE TABLE child (id integer, at daterange, FOREIGN KEY (id, PERIOD at) REFERENCES spans (id, PERIOD "
          "at))");
    }
    Connection target = connect_target(two.copy.uri());
    Reading reading = read(two.source.uri(), target);
    EXPECT_THAT(carry_out(reading, target), IsEmpty());
    EXPECT_EQ(testbed::difference(testbed::structure(two.source.uri()), testbed::structure(two.copy.uri())), "");
  }
}

TEST(ALargeTable, gets_its_keys_as_indexes_that_can_be_built_side_by_side) {
  const Two two(15, 17);
  two.source.exec(
      "CREATE TABLE big (id integer PRIMARY KEY, \"B b\" integer UNIQUE DEFERRABLE INITIALLY DEFERRED, t text);"
      "CREATE INDEX ON big (t); ALTER TABLE big CLUSTER ON big_pkey; ALTER TABLE big REPLICA IDENTITY USING INDEX "
      "big_pkey;"
      "COMMENT ON CONSTRAINT big_pkey ON big IS 'key'; INSERT INTO big SELECT n, n FROM generate_series(1, 100) n; "
      "ANALYZE big;"
      "UPDATE pg_class SET relpages = 20000 WHERE relname = 'big'");
  Connection target = connect_target(two.copy.uri());
  Reading reading = read(two.source.uri(), target);
  std::size_t indexes = 0;
  for (const pipeline::SchemaStep& step : reading.schema.schema.steps) {
    if (step.kind == "INDEX") ++indexes;
    for (const std::size_t position : step.after) EXPECT_LT(position, reading.schema.schema.steps.size());
  }
  EXPECT_EQ(indexes, 3U);
  EXPECT_THAT(carry_out(reading, target), IsEmpty());
  const testbed::Database reference = testbed::server(17).create_database("reference");
  testbed::restore(two.source.uri(), reference.uri());
  EXPECT_EQ(testbed::difference(testbed::structure(reference.uri()), testbed::structure(two.copy.uri())), "");
}

TEST(ASelection, brings_what_its_tables_need_and_names_what_it_leaves_out) {
  const Two two(15, 17);
  two.source.exec(
      "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('a'); CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN RETURN new; END';"
      "CREATE SEQUENCE s.shared; CREATE TABLE s.other (id serial PRIMARY KEY, e s.e);"
      "CREATE TABLE s.wanted (id integer PRIMARY KEY DEFAULT nextval('s.shared'), e s.e, n integer DEFAULT "
      "nextval('s.other_id_seq'), "
      "o integer REFERENCES s.other, CHECK (id > 0)); COMMENT ON TABLE s.wanted IS 'x';"
      "CREATE TABLE s.mother (m integer); CREATE TABLE s.child () INHERITS (s.mother);"
      "CREATE TABLE s.divided (k integer) PARTITION BY LIST (k); CREATE TABLE s.divided_1 PARTITION OF s.divided FOR "
      "VALUES IN (1);"
      "CREATE VIEW s.of_wanted AS SELECT id FROM s.wanted; CREATE VIEW s.of_both AS SELECT w.id FROM s.wanted w JOIN "
      "s.other o USING (id);"
      "CREATE VIEW s.on_of_both AS SELECT * FROM s.of_both;"
      "CREATE TRIGGER t BEFORE INSERT ON s.wanted FOR EACH ROW EXECUTE FUNCTION s.f();"
      "CREATE TRIGGER t BEFORE INSERT ON s.other FOR EACH ROW EXECUTE FUNCTION s.f();"
      "CREATE RULE r AS ON INSERT TO s.wanted DO ALSO INSERT INTO s.other DEFAULT VALUES;"
      "CREATE FUNCTION s.atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM s.other; END;"
      "INSERT INTO s.mother VALUES (1); INSERT INTO s.child VALUES (2)");
  const SelectsTable selects = [](const model::Name& name) {
    return name.name == "wanted" || name.name == "child" || name.name == "divided_1";
  };
  Connection target = connect_target(two.copy.uri());
  Reading reading = read(two.source.uri(), target, selects);
  EXPECT_THAT(carry_out(reading, target, selects), IsEmpty());
  EXPECT_EQ(two.copy.scalar(
                "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 's'::regnamespace "
                "AND relkind IN ('r', 'p', 'v', 'S')"),
            "child divided_1 mother of_wanted other_id_seq shared wanted");
  EXPECT_EQ(two.copy.scalar("SELECT count(*) FROM ONLY s.mother"), "0");
  EXPECT_EQ(two.copy.scalar("SELECT count(*) FROM s.child"), "1");
  EXPECT_EQ(two.copy.scalar(
                "SELECT string_agg(tgrelid::regclass || '.' || tgname, ' ') FROM pg_trigger WHERE NOT tgisinternal"),
            "s.wanted.t");
  EXPECT_THAT(codes(reading.findings),
              ::testing::UnorderedElementsAre(
                  HasSubstr("ObjectLeftOut view s.of_both"), HasSubstr("ObjectLeftOut view s.on_of_both"),
                  HasSubstr("ObjectLeftOut rule wanted r"), HasSubstr("ObjectLeftOut function s.\"atomic()\""),
                  HasSubstr("ObjectLeftOut fk constraint wanted"), HasSubstr("ObjectLeftOut table attach s.divided_1"),
                  HasSubstr("TableWithoutRows table s.mother")));
}

TEST(ARoleThatIsNoSuperuser, gets_everything_it_may_have_and_the_rest_is_optional) {
  const Two two(15, 16);
  testbed::PostgresServer& to = testbed::server(16);
  two.source.exec(
      "DO $$BEGIN CREATE ROLE plain_owner; CREATE ROLE absent_role; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"
      "CREATE EXTENSION citext; COMMENT ON EXTENSION citext IS 'ours'; CREATE SCHEMA s AUTHORIZATION plain_owner;"
      "CREATE TABLE s.t (id integer PRIMARY KEY, c citext); ALTER TABLE s.t OWNER TO plain_owner; INSERT INTO s.t "
      "VALUES (1, 'A');"
      "GRANT SELECT ON s.t TO plain_owner, absent_role, PUBLIC; CREATE TABLE s.mine (); ALTER TABLE s.mine OWNER TO "
      "absent_role;"
      "CREATE FUNCTION s.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON sql_drop "
      "EXECUTE FUNCTION s.f()");
  to.exec("postgres",
          "CREATE ROLE plain LOGIN PASSWORD 'secret'; CREATE ROLE plain_owner; GRANT plain_owner TO plain;"
          "ALTER DATABASE \"" +
              two.copy.name() + "\" OWNER TO plain");
  Connection target = connect(to.tcp_uri(two.copy.name(), "plain", "secret"), {"row_security = off"});
  Reading reading = read(two.source.uri(), target);
  const std::vector<std::string> failures = carry_out(reading, target);
  EXPECT_THAT(failures, Contains(HasSubstr("event trigger e")));
  EXPECT_THAT(failures, Not(Contains(HasSubstr("absent_role"))));
  EXPECT_THAT(codes(reading.findings), Contains("GrantsLeftOut role absent_role"));
  EXPECT_THAT(codes(reading.findings), Contains("OwnerNotSet role absent_role"));
  EXPECT_EQ(two.copy.scalar("SELECT relowner::regrole FROM pg_class WHERE oid = 's.t'::regclass"), "plain_owner");
  EXPECT_EQ(two.copy.scalar("SELECT relowner::regrole FROM pg_class WHERE oid = 's.mine'::regclass"), "plain");
  EXPECT_EQ(two.copy.scalar("SELECT has_table_privilege('plain', 's.t', 'SELECT')"), "t");
  EXPECT_EQ(two.copy.scalar("SELECT c FROM s.t"), "A");
}

TEST(ADump, takes_an_odd_password_from_memory_and_shows_it_to_nobody) {
  testbed::PostgresServer& from = testbed::server(15);
  const testbed::Database source = from.create_database("pass word's");
  source.exec("CREATE TABLE t ()");
  const testbed::Database copy = testbed::server(15).create_database("copy");
  Connection target = connect_target(copy.uri());
  const std::string uri = from.tcp_uri(source.name(), "postgres", testbed::PostgresServer::superuser_password);
  Reading reading = read(uri, target);
  ASSERT_FALSE(reading.schema.schema.steps.empty());
  EXPECT_EQ(reading.schema.schema.steps.front().object, "table public.t");
}

TEST(ADump, that_fails_says_why_in_pg_dumps_own_words) {
  testbed::PostgresServer& from = testbed::server(15);
  const testbed::Database source = from.create_database("refused");
  Connection connection = connect(source.uri(), {});
  ASSERT_TRUE(connection.execute("BEGIN", soon()));
  std::vector<api::Finding> findings;
  SchemaRequest request{parse_conninfo(from.tcp_uri(source.name(), "postgres", "wrong")).value(),
                        "",
                        testbed::client_program("pg_dump"),
                        all,
                        {}};
  const auto schema = read_schema(connection, request, findings, soon());
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().fault, Fault::denied);
  EXPECT_THAT(schema.error().what, HasSubstr("password authentication failed"));
  EXPECT_THAT(describe(schema.error()), Not(HasSubstr("wrong")));
}

TEST(ADump, that_waits_for_a_lock_ends_with_its_until) {
  const Two two(15, 15);
  two.source.exec("CREATE TABLE t ()");
  testbed::Session locker(two.source.uri());
  locker.exec("BEGIN; LOCK TABLE t");
  Connection connection = connect(two.source.uri(), {});
  ASSERT_TRUE(connection.execute("BEGIN", soon()));
  std::vector<api::Finding> findings;
  SchemaRequest request{parse_conninfo(two.source.uri()).value(), "", testbed::client_program("pg_dump"), all, {}};
  const auto schema = read_schema(connection, request, findings, {Deadline::after(Seconds(2)), {}});
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().fault, Fault::transient);
}

}  // namespace
}  // namespace tributary::postgres
