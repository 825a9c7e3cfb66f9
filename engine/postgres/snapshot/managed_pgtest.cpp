#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// A target like those of providers: whoever writes there may create databases and roles, and is no superuser.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::UnorderedElementsAre;

constexpr const char* roles_of_the_shop = R"sql(
  CREATE ROLE shop_owner NOLOGIN; CREATE ROLE shop_app LOGIN PASSWORD 'secret'; CREATE ROLE "Shop readers" NOINHERIT;
  GRANT "Shop readers" TO shop_app; CREATE ROLE shop_super SUPERUSER)sql";

constexpr const char* shop = R"sql(
  CREATE EXTENSION citext; COMMENT ON EXTENSION citext IS 'ours'; CREATE EXTENSION hstore;
  CREATE SCHEMA shop AUTHORIZATION shop_owner; GRANT USAGE ON SCHEMA shop TO "Shop readers";
  GRANT CREATE ON SCHEMA public TO shop_owner;
  SET ROLE shop_owner; SET search_path = shop, public;
  CREATE TYPE size AS ENUM ('s', 'm'); CREATE DOMAIN amount AS numeric(10, 2) CHECK (VALUE >= 0);
  CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext UNIQUE NOT NULL, tags hstore);
  CREATE TABLE item (id serial PRIMARY KEY, name text, price amount, size size, doubled numeric GENERATED ALWAYS AS (price * 2) STORED);
  CREATE TABLE sale (id bigserial, at date NOT NULL, customer bigint REFERENCES customer, item integer REFERENCES item ON DELETE CASCADE)
    PARTITION BY RANGE (at);
  CREATE TABLE sale_2020 PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
  CREATE TABLE sale_else PARTITION OF sale DEFAULT;
  CREATE INDEX ON sale (customer);
  CREATE TABLE log (what text);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO shop.log VALUES (tg_table_name); RETURN new; END$$;
  CREATE TRIGGER noted BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();
  CREATE VIEW cheap AS SELECT * FROM item WHERE price < 10;
  CREATE MATERIALIZED VIEW totals AS SELECT item, count(*) AS n FROM sale GROUP BY item; CREATE UNIQUE INDEX ON totals (item);
  ALTER TABLE customer ENABLE ROW LEVEL SECURITY; ALTER TABLE customer FORCE ROW LEVEL SECURITY;
  CREATE POLICY own ON customer FOR SELECT TO shop_app USING (email = current_user);
  GRANT SELECT ON ALL TABLES IN SCHEMA shop TO "Shop readers"; GRANT INSERT (name) ON item TO shop_app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO "Shop readers";
  COMMENT ON TABLE item IS 'what we sell';
  RESET ROLE;
  SET session_replication_role = replica;
  INSERT INTO customer (email) SELECT 'c' || n FROM generate_series(1, 50) n;
  INSERT INTO item (name, price, size) SELECT 'i' || n, n, 's' FROM generate_series(1, 50) n;
  INSERT INTO sale (at, customer, item) SELECT '2020-06-01'::date + n * 10, n, n FROM generate_series(1, 50) n;
  SET session_replication_role = origin;
  REFRESH MATERIALIZED VIEW totals;
  CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
  CREATE TABLE of_super (id integer); ALTER TABLE of_super OWNER TO shop_super; INSERT INTO of_super VALUES (1);
  SELECT lo_from_bytea(4711, '\x0102'); ALTER LARGE OBJECT 4711 OWNER TO shop_owner)sql";

constexpr const char* whose =
    "SELECT string_agg(format('%s %s', o, r), ', ' ORDER BY o) FROM (SELECT oid::regclass::text, relowner::regrole "
    "FROM "
    "pg_class WHERE relnamespace = 'shop'::regnamespace AND relname <> 'of_super' UNION ALL SELECT "
    "oid::regprocedure::text, "
    "proowner::regrole FROM pg_proc WHERE proname = 'note' UNION ALL SELECT oid::text, lomowner::regrole FROM "
    "pg_largeobject_metadata UNION ALL SELECT oid::regtype::text, typowner::regrole FROM pg_type WHERE typname IN "
    "('size', "
    "'amount')) AS x (o, r)";
constexpr const char* what_is_checked =
    "SELECT string_agg(x, ', ' ORDER BY x) FROM (SELECT format('%s %s %s', conrelid::regclass, conname, convalidated) "
    "FROM "
    "pg_constraint WHERE contype <> 'n' AND connamespace = 'shop'::regnamespace UNION ALL SELECT format('%s %s %s', "
    "tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT format('%s %s %s', "
    "polrelid::regclass, polname, polcmd) FROM pg_policy) AS all_of (x)";
constexpr const char* what_is_granted =
    "SELECT string_agg(format('%s %s %s', c.oid::regclass, has_table_privilege('Shop readers', c.oid, 'SELECT'), "
    "has_any_column_privilege('shop_app', c.oid, 'INSERT')), ', ' ORDER BY relname) || (SELECT "
    "string_agg(defaclacl::text, "
    "',') FROM pg_default_acl) || has_schema_privilege('Shop readers', 'shop', 'USAGE') FROM pg_class c WHERE "
    "relnamespace = "
    "'shop'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')";
constexpr const char* passwords =
    "SELECT string_agg(format('%s %s %s', rolname, rolpassword, rolinherit), ', ' ORDER BY rolname) FROM pg_authid "
    "WHERE "
    "rolname ILIKE 'shop%'";

class AManagedTarget : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Majors, AManagedTarget, ::testing::Values(15, 18));

TEST_P(AManagedTarget, gets_everything_that_its_role_may_make_and_says_what_is_missing) {
  auto& from = server(14);
  auto& to = server(GetParam());
  if (from.scalar("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'shop_owner'") == "0")
    from.exec("postgres", roles_of_the_shop);
  const Database source = from.create_database("shop");
  source.exec(shop);
  to.exec("postgres", "CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'secret'");
  const Database copy = to.adopt_database("shop");
  api::Spec spec = spec_between(source.uri(), to.tcp_uri(copy.name(), "managed", "secret"));
  spec.replication = "uid of the shop";
  spec.snapshot.roles = true;
  const api::Report report = snapshot(spec);
  ASSERT_TRUE(done(report));
  std::vector<std::string> said;
  for (const api::Finding& finding : report.findings) said.push_back(finding.code + " " + finding.subject);
  EXPECT_THAT(said, UnorderedElementsAre("RoleAttributeLeftOut role shop_super", "StepSkipped event trigger ddl",
                                         "OwnerNotSet database shop", "OwnerNotSet role postgres",
                                         "OwnerNotSet role shop_super"));
  EXPECT_TRUE(testbed::same_content(source.uri(), copy.uri()));
  for (const char* question : {whose, what_is_checked, what_is_granted, passwords})
    EXPECT_EQ(copy.scalar(question), source.scalar(question));

  // Taken back and made again, though it belongs to others by now.
  source.exec("INSERT INTO shop.log VALUES ('once more')");
  spec.snapshot.request_id = "again";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(testbed::same_content(source.uri(), copy.uri()));
  for (const char* question : {whose, what_is_checked, what_is_granted})
    EXPECT_EQ(copy.scalar(question), source.scalar(question));
}

}  // namespace
}  // namespace tributary::postgres
