#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/structure/testing/compared.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/testing/postgres_server.h"

// Each kind of difference, planted alone.
namespace tributary::postgres::structure {
namespace {

using testbed::Database;
using testbed::server;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// What both ends have.
constexpr const char* schema = R"sql(
CREATE SCHEMA app;
CREATE SCHEMA "Other";
CREATE EXTENSION hstore WITH SCHEMA app VERSION '1.6';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO postgres;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN app.positive AS integer CHECK (VALUE > 0);
CREATE TYPE app.pair AS (a integer, b text);
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE COLLATION app.plain (provider = icu, locale = 'de');
CREATE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE PROCEDURE app.nothing(a integer) LANGUAGE sql AS '';
CREATE AGGREGATE app.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION app.same(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE OPERATOR app.=%= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.same);
CREATE FUNCTION app.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TABLE app.customers (id integer PRIMARY KEY, name text, CONSTRAINT single UNIQUE (name));
CREATE TABLE app.orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer, total numeric(10, 2) DEFAULT 0, note text,
  doubled integer GENERATED ALWAYS AS (customer * 2) STORED, "Mixed" text NOT NULL,
  CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES app.customers, CONSTRAINT sane CHECK (total >= 0));
INSERT INTO app.customers VALUES (1, 'a');
INSERT INTO app.orders (customer, total, "Mixed") VALUES (1, 1, ''), (1, 1, '');
CREATE INDEX orders_note ON app.orders (note);
CREATE TRIGGER fires BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.fire();
CREATE RULE quiet AS ON DELETE TO app.customers DO ALSO NOTHING;
CREATE POLICY mine ON app.orders USING (note = current_user);
CREATE STATISTICS app.related ON customer, total FROM app.orders;
CREATE SEQUENCE app.numbers;
CREATE VIEW app.cheap AS SELECT id FROM app.orders WHERE total < 10;
CREATE MATERIALIZED VIEW app.kept AS SELECT id FROM app.orders;
CREATE TABLE app.measured (at date, value integer) PARTITION BY RANGE (at);
CREATE TABLE app.measured_1 PARTITION OF app.measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TRIGGER each BEFORE UPDATE ON app.measured_1 FOR EACH ROW EXECUTE FUNCTION app.fire();
CREATE TRIGGER above AFTER INSERT ON app.measured FOR EACH ROW EXECUTE FUNCTION app.fire();
CREATE TABLE app.parent (a integer);
CREATE TABLE app.child (a integer) INHERITS (app.parent);
CREATE TABLE "Other"."Table" (id integer, a integer, b text);
CREATE TABLE "Other".pairs (a integer, b text);
COMMENT ON TABLE app.orders IS 'orders';
GRANT SELECT ON app.orders TO fidelity_reader;
GRANT UPDATE (note) ON app.orders TO fidelity_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO fidelity_reader;
CREATE TEXT SEARCH CONFIGURATION app.plainly (COPY = simple);
CREATE TEXT SEARCH DICTIONARY app.words (TEMPLATE = simple);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far_away FOREIGN DATA WRAPPER nowhere;
CREATE USER MAPPING FOR fidelity_reader SERVER far_away OPTIONS (password 'mapped secret');
CREATE FOREIGN TABLE app.far (id integer) SERVER far_away OPTIONS (path '/x');
CREATE CAST (app.pair AS text) WITH INOUT;
CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION app.on_ddl();
)sql";

struct Planted {
  std::string told;  // all of it, or its beginning
  std::string sql;   // makes the target differ
};

const std::vector<Planted> everywhere = {
    {"table \"Other\".\"Table\": table | ", "DROP TABLE \"Other\".\"Table\""},
    {"table app.more:  | table", "CREATE TABLE app.more (id integer PRIMARY KEY, n serial)"},
    {"column \"Other\".\"Table\".b: text | ", "ALTER TABLE \"Other\".\"Table\" DROP COLUMN b"},
    {"column app.customers.more:  | text", "ALTER TABLE app.customers ADD COLUMN more text DEFAULT 'x'"},
    {"type app.customers.id: integer | bigint", "ALTER TABLE app.customers ALTER COLUMN id TYPE bigint"},
    {"type \"Other\".\"Table\".b: text | character varying(7)",
     "ALTER TABLE \"Other\".\"Table\" ALTER b TYPE varchar(7)"},
    {"nullability app.orders.\"Mixed\": NOT NULL", "ALTER TABLE app.orders ALTER COLUMN \"Mixed\" DROP NOT NULL"},
    {"nullability app.orders.note:  | NOT NULL",
     "UPDATE app.orders SET note = ''; ALTER TABLE app.orders ALTER note SET NOT NULL"},
    {"default app.orders.total: 0 | 1", "ALTER TABLE app.orders ALTER COLUMN total SET DEFAULT 1"},
    {"default app.orders.total: 0 | ", "ALTER TABLE app.orders ALTER COLUMN total DROP DEFAULT"},
    {"identity app.orders.id: GENERATED ALWAYS AS IDENTITY | GENERATED BY DEFAULT AS IDENTITY",
     "ALTER TABLE app.orders ALTER COLUMN id SET GENERATED BY DEFAULT"},
    {"collation app.customers.name:  | COLLATE pg_catalog.\"C\"",
     "ALTER TABLE app.customers ALTER name TYPE text COLLATE \"C\""},
    {"storage app.orders.note:  | EXTERNAL", "ALTER TABLE app.orders ALTER COLUMN note SET STORAGE EXTERNAL"},
    {"statistics target app.orders.note:  | 7", "ALTER TABLE app.orders ALTER COLUMN note SET STATISTICS 7"},
    {"options app.orders.note:  | n_distinct=7", "ALTER TABLE app.orders ALTER COLUMN note SET (n_distinct = 7)"},
    {"constraint app.orders.sane: CHECK ((total >= (0)::numeric)) | ", "ALTER TABLE app.orders DROP CONSTRAINT sane"},
    {"constraint app.orders.more:  | CHECK", "ALTER TABLE app.orders ADD CONSTRAINT more CHECK (total < 100)"},
    {"constraint app.customers.single: UNIQUE (name) | ", "ALTER TABLE app.customers DROP CONSTRAINT single"},
    {"constraint app.orders.of_customer: FOREIGN KEY (customer) REFERENCES app.customers(id) | FOREIGN KEY (customer) "
     "REFERENCES app.customers(id) NOT VALID",
     "ALTER TABLE app.orders DROP CONSTRAINT of_customer; ALTER TABLE app.orders ADD CONSTRAINT of_customer FOREIGN "
     "KEY "
     "(customer) REFERENCES app.customers NOT VALID"},
    {"constraint app.orders.of_customer: FOREIGN KEY (customer) REFERENCES app.customers(id) | ",
     "ALTER TABLE app.orders DROP CONSTRAINT of_customer"},
    {"index app.orders_note: CREATE INDEX orders_note ON app.orders USING btree (note) | ",
     "DROP INDEX app.orders_note"},
    {"index app.orders_note: CREATE INDEX orders_note ON app.orders USING btree (note) | CREATE INDEX orders_note ON "
     "app.orders USING btree (note DESC)",
     "DROP INDEX app.orders_note; CREATE INDEX orders_note ON app.orders (note DESC)"},
    {"index app.orders_note: CREATE INDEX orders_note ON app.orders USING btree (note) | INVALID CREATE INDEX",
     "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.orders_note'::regclass"},
    {"index app.more:  | CREATE UNIQUE INDEX more", "CREATE UNIQUE INDEX more ON app.orders (id, total)"},
    {"trigger app.orders.fires: CREATE TRIGGER fires BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION "
     "app.fire() | ",
     "DROP TRIGGER fires ON app.orders"},
    {"trigger app.orders.fires: CREATE TRIGGER fires BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION "
     "app.fire() | "
     "CREATE TRIGGER fires BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.fire() DISABLED",
     "ALTER TABLE app.orders DISABLE TRIGGER fires"},
    {"trigger app.measured.above: CREATE TRIGGER above", "DROP TRIGGER above ON app.measured"},
    {"trigger app.measured_1.above:  | CREATE TRIGGER above", "ALTER TABLE app.measured_1 DISABLE TRIGGER above"},
    {"rule app.customers.quiet: CREATE RULE quiet AS", "DROP RULE quiet ON app.customers"},
    {"rule app.customers.quiet: CREATE RULE quiet AS", "ALTER TABLE app.customers DISABLE RULE quiet"},
    {"policy app.orders.mine: AS PERMISSIVE FOR ALL TO PUBLIC USING ((note = CURRENT_USER)) | ",
     "DROP POLICY mine ON app.orders"},
    {"policy app.orders.mine: AS PERMISSIVE FOR ALL TO PUBLIC USING",
     "ALTER POLICY mine ON app.orders TO fidelity_reader"},
    {"row security app.orders:  | ENABLE", "ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY"},
    {"row security app.orders:  | FORCE", "ALTER TABLE app.orders FORCE ROW LEVEL SECURITY"},
    {"replica identity app.orders:  | FULL", "ALTER TABLE app.orders REPLICA IDENTITY FULL"},
    {"persistence \"Other\".\"Table\":  | UNLOGGED", "ALTER TABLE \"Other\".\"Table\" SET UNLOGGED"},
    {"storage parameters app.orders:  | fillfactor=70, toast.autovacuum_enabled=false",
     "ALTER TABLE app.orders SET (fillfactor = 70, toast.autovacuum_enabled = false)"},
    {"partition app.measured_1: PARTITION OF app.measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') | PARTITION "
     "OF "
     "app.measured FOR VALUES FROM ('2020-01-01') TO ('2022-01-01')",
     "ALTER TABLE app.measured DETACH PARTITION app.measured_1; ALTER TABLE app.measured ATTACH PARTITION "
     "app.measured_1 "
     "FOR VALUES FROM ('2020-01-01') TO ('2022-01-01')"},
    {"inheritance app.child: INHERITS (app.parent) | ", "ALTER TABLE app.child NO INHERIT app.parent"},
    {"row type \"Other\".pairs:  | OF app.pair", "ALTER TABLE \"Other\".pairs OF app.pair"},
    {"statistics app.related: CREATE STATISTICS app.related ON customer, total FROM app.orders | ",
     "DROP STATISTICS app.related"},
    {"sequence app.numbers: AS bigint START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1 | AS "
     "bigint "
     "START WITH 1 INCREMENT BY 2",
     "ALTER SEQUENCE app.numbers INCREMENT 2"},
    {"sequence app.numbers: AS bigint", "DROP SEQUENCE app.numbers"},
    {"view app.cheap: ", "CREATE OR REPLACE VIEW app.cheap AS SELECT id FROM app.orders WHERE total < 11"},
    {"view app.cheap: ", "DROP VIEW app.cheap"},
    {"materialized view app.kept: ", "REFRESH MATERIALIZED VIEW app.kept WITH NO DATA"},
    {"foreign table app.far: SERVER far_away OPTIONS (path=/x) | SERVER far_away OPTIONS (path=/y)",
     "ALTER FOREIGN TABLE app.far OPTIONS (SET path '/y')"},
    {"comment app.orders: orders | ", "COMMENT ON TABLE app.orders IS NULL"},
    {"comment app.orders.note:  | a note", "COMMENT ON COLUMN app.orders.note IS 'a note'"},
    {"comment app.orders.sane:  | a check", "COMMENT ON CONSTRAINT sane ON app.orders IS 'a check'"},
    {"grant app.orders: SELECT to fidelity_reader | ", "REVOKE SELECT ON app.orders FROM fidelity_reader"},
    {"grant app.orders:  | INSERT WITH GRANT OPTION to fidelity_writer",
     "GRANT INSERT ON app.orders TO fidelity_writer WITH GRANT OPTION"},
    {"grant app.orders.note: UPDATE to fidelity_reader | ", "REVOKE UPDATE (note) ON app.orders FROM fidelity_reader"},
    {"grant app.twice(integer): EXECUTE to PUBLIC | ", "REVOKE EXECUTE ON FUNCTION app.twice FROM PUBLIC"},
    {"grant app:  | USAGE to PUBLIC", "GRANT USAGE ON SCHEMA app TO PUBLIC"},
    {"grant for postgres in app on tables: SELECT to fidelity_reader | INSERT, SELECT to fidelity_reader",
     "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT ON TABLES TO fidelity_reader"},
    {"default privileges for postgres in app on tables: ",
     "ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM fidelity_reader"},
    {"owner app.customers: postgres | fidelity_owner", "ALTER TABLE app.customers OWNER TO fidelity_owner"},
    {"owner app: postgres | fidelity_owner", "ALTER SCHEMA app OWNER TO fidelity_owner"},
    {"schema more:  | schema", "CREATE SCHEMA more"},
    {"extension hstore: VERSION ", "DROP EXTENSION hstore"},
    {"extension btree_gist:  | VERSION ", "CREATE EXTENSION btree_gist"},
    {"enum type app.mood: ENUM ('sad', 'ok') | ENUM ('sad', 'ok', 'great')", "ALTER TYPE app.mood ADD VALUE 'great'"},
    {"domain app.positive: integer CONSTRAINT positive_check CHECK ((VALUE > 0)) | integer NOT NULL CONSTRAINT",
     "ALTER DOMAIN app.positive SET NOT NULL"},
    {"composite type app.pair: (a integer, b text) | (a integer, b text, c date)",
     "ALTER TYPE app.pair ADD ATTRIBUTE c date"},
    {"range type app.span: RANGE OF double precision", "DROP TYPE app.span"},
    {"collation app.plain: PROVIDER i LOCALE de | ", "DROP COLLATION app.plain"},
    {"function app.twice(integer): CREATE OR REPLACE FUNCTION",
     "CREATE OR REPLACE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'"},
    {"function app.twice(integer): CREATE OR REPLACE FUNCTION", "ALTER FUNCTION app.twice SECURITY DEFINER"},
    {"function app.twice(text):  | CREATE OR REPLACE FUNCTION",
     "CREATE FUNCTION app.twice(text) RETURNS text LANGUAGE sql AS 'SELECT $1'"},
    {"procedure app.nothing(integer): CREATE OR REPLACE PROCEDURE", "DROP PROCEDURE app.nothing"},
    {"aggregate app.total(integer): ", "DROP AGGREGATE app.total(integer)"},
    {"operator app.=%=(integer,integer): FUNCTION app.same RETURNS boolean",
     "DROP OPERATOR app.=%= (integer, integer)"},
    {"cast (app.pair AS text): WITH INOUT | ", "DROP CAST (app.pair AS text)"},
    {"text search configuration app.plainly: ", "ALTER TEXT SEARCH CONFIGURATION app.plainly DROP MAPPING FOR email"},
    {"text search dictionary app.words: TEMPLATE pg_catalog.simple | TEMPLATE pg_catalog.simple stopwords = 'english'",
     "ALTER TEXT SEARCH DICTIONARY app.words (STOPWORDS = english)"},
    {"foreign data wrapper more:  | ", "CREATE FOREIGN DATA WRAPPER more"},
    {"server far_away: WRAPPER nowhere | WRAPPER nowhere OPTIONS (host=x)", "ALTER SERVER far_away OPTIONS (host 'x')"},
    {"server far_away: WRAPPER nowhere | WRAPPER nowhere OPTIONS (host=x, token=(concealed))",
     "ALTER SERVER far_away OPTIONS (host 'x', token 'secret = of it')"},
    {"user mapping far_away for fidelity_reader: user mapping OPTIONS (password=(concealed)) | user mapping OPTIONS "
     "(password=(concealed)) with other values",
     "ALTER USER MAPPING FOR fidelity_reader SERVER far_away OPTIONS (SET password 'another secret')"},
    {"user mapping far_away for fidelity_reader: user mapping OPTIONS (password=(concealed)) | user mapping OPTIONS "
     "(password=(concealed), user=(concealed))",
     "ALTER USER MAPPING FOR fidelity_reader SERVER far_away OPTIONS (user 'u')"},
    {"foreign table app.far: SERVER far_away OPTIONS (path=/x) | SERVER far_away OPTIONS (path=/x, "
     "program=(concealed))",
     "ALTER FOREIGN TABLE app.far OPTIONS (program 'curl -H secret')"},
    {"foreign options app.far.id:  | header_key=(concealed)",
     "ALTER FOREIGN TABLE app.far ALTER id OPTIONS (header_key 'secret')"},
    {"foreign data wrapper nowhere: HANDLER - VALIDATOR - | HANDLER - VALIDATOR - OPTIONS (key_file=(concealed))",
     "ALTER FOREIGN DATA WRAPPER nowhere OPTIONS (key_file 'secret')"},
    {"user mapping far_away for fidelity_reader: user mapping OPTIONS (password=(concealed)) | ",
     "DROP USER MAPPING FOR fidelity_reader SERVER far_away"},
    {"event trigger noted: ON ddl_command_end EXECUTE FUNCTION app.on_ddl | ON ddl_command_end EXECUTE FUNCTION "
     "app.on_ddl "
     "DISABLED",
     "ALTER EVENT TRIGGER noted DISABLE"},
    {"access method more:  | TYPE t HANDLER heap_tableam_handler",
     "CREATE ACCESS METHOD more TYPE TABLE HANDLER heap_tableam_handler"},
};

struct Pair {
  int source;
  int target;
};

class TwoDatabases : public ::testing::TestWithParam<Pair> {
 protected:
  TwoDatabases() : from_(server(GetParam().source)), to_(server(GetParam().target)) {
    testbed::create_fidelity_roles(from_);
    testbed::create_fidelity_roles(to_);
  }

  testbed::PostgresServer& from_;
  testbed::PostgresServer& to_;
};

INSTANTIATE_TEST_SUITE_P(Pairs, TwoDatabases, ::testing::Values(Pair{12, 18}, Pair{15, 15}), [](const auto& pair) {
  return std::to_string(pair.param.source) + "_and_" + std::to_string(pair.param.target);
});

TEST_P(TwoDatabases, that_differ_in_one_thing_differ_in_nothing_else) {
  const Database source = from_.create_database("source");
  source.exec(schema);
  const Database target = to_.create_database("target");
  target.exec(schema);
  const Structure at_source = structure_of(source.uri());
  ASSERT_THAT(differences(at_source, structure_of(target.uri())), IsEmpty());

  for (const Planted& each : everywhere) {
    SCOPED_TRACE(each.sql);
    const Database changed = to_.create_database("changed", "TEMPLATE " + target.name());
    changed.exec(each.sql);
    EXPECT_THAT(differences(at_source, structure_of(changed.uri())), ElementsAre(StartsWith(each.told)));
  }
}

TEST_P(TwoDatabases, differ_in_the_selected_tables_and_what_belongs_to_them) {
  const Database source = from_.create_database("source");
  source.exec(schema);
  const Database target = to_.create_database("target");
  target.exec(schema);
  const std::vector<model::Name> selected = {{"app", "orders"}, {"app", "measured_1"}};
  target.exec(
      "DROP VIEW app.cheap; DROP TABLE \"Other\".\"Table\"; DROP FUNCTION app.twice; CREATE TABLE app.more (id "
      "integer);"
      "ALTER TABLE app.measured DETACH PARTITION app.measured_1; ALTER SEQUENCE app.numbers CYCLE");
  EXPECT_THAT(differences(source, target, selected), IsEmpty());

  target.exec("DROP TABLE app.measured_1; ALTER SEQUENCE app.orders_id_seq CYCLE; DROP POLICY mine ON app.orders");
  EXPECT_THAT(differences(source, target, selected),
              ElementsAre("table app.measured_1: table | ", StartsWith("policy app.orders.mine: "),
                          StartsWith("sequence app.orders_id_seq: ")));
}

TEST_P(TwoDatabases, are_compared_in_what_any_role_may_read) {
  const Database source = from_.create_database("source");
  source.exec(schema);
  from_.exec("postgres",
             "DO $$BEGIN CREATE ROLE nobody LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN END$$");
  const Structure seen = structure_of(from_.tcp_uri(source.name(), "nobody", "x"));
  EXPECT_THAT(differences(structure_of(source.uri()), seen), IsEmpty());
  EXPECT_THAT(differences(seen, structure_of(source.uri())), IsEmpty());
}

TEST_P(TwoDatabases, leave_out_the_ledger_temporary_tables_and_publications) {
  const Database source = from_.create_database("source");
  const Database target = to_.create_database("target");
  for (const Database* each : {&source, &target})
    each->exec("REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres");
  testbed::Session session(target.uri());
  session.exec(
      "CREATE SCHEMA _tributary; CREATE TABLE _tributary.step (id serial PRIMARY KEY); COMMENT ON SCHEMA _tributary IS "
      "'x';"
      "CREATE TEMPORARY TABLE passing (id serial PRIMARY KEY); CREATE PUBLICATION p; SELECT lo_create(7)");
  EXPECT_THAT(differences(source, target), IsEmpty());
}

TEST_P(TwoDatabases, with_5000_tables_are_compared_by_as_many_queries_as_with_one) {
  constexpr const char* many = R"sql(
DO $$BEGIN FOR i IN 1..5000 LOOP
  EXECUTE format('CREATE TABLE t_%s (id serial PRIMARY KEY, n integer NOT NULL DEFAULT 1 CHECK (n > 0), t text, at timestamptz)', i);
  EXECUTE format('CREATE INDEX ON t_%s (n)', i);
  IF i % 500 = 0 THEN COMMIT; END IF;
END LOOP; END$$)sql";
  if (GetParam().source != 12 || GetParam().target != 18) GTEST_SKIP() << "one pair is enough";
  const Database source = from_.create_database("source");
  const Database target = to_.create_database("target");
  for (const Database* each : {&source, &target}) {
    each->exec("REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres");
    each->exec(many);
  }
  target.exec("ALTER TABLE t_77 ALTER n SET DEFAULT 2; SELECT setval('t_4000_id_seq', 5, false)");
  source.exec("SELECT setval('t_4000_id_seq', 5)");
  EXPECT_THAT(differences(source, target), ElementsAre("default public.t_77.n: 1 | 2"));
  EXPECT_THAT(sequence_differences(source, target), ElementsAre("behind public.t_4000_id_seq: 5 | 5"));

  std::vector<model::Name> selected;
  for (int i = 1; i <= 5000; ++i) selected.push_back({"public", "t_" + std::to_string(i)});
  EXPECT_THAT(differences(source, target, selected), ElementsAre("default public.t_77.n: 1 | 2"));
  EXPECT_THAT(sequence_differences(source, target, selected), ElementsAre("behind public.t_4000_id_seq: 5 | 5"));
}

}  // namespace
}  // namespace tributary::postgres::structure
