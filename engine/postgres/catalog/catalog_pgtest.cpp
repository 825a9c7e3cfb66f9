#include "engine/postgres/catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using testbed::Database;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

Connection connect(const std::string& uri) {
  Result<Connection> connection = Connection::open(*parse_conninfo(uri), {"search_path = pg_catalog"}, soon());
  EXPECT_TRUE(connection) << connection.error().what;
  return std::move(*connection);
}

// The value, or a test failure with the error's words.
template <class T>
T got(Result<T> result) {
  EXPECT_TRUE(result) << describe(result.error());
  return std::move(result).value();
}

class Catalog : public ::testing::TestWithParam<int> {
 protected:
  Catalog() : server_(testbed::server(GetParam())), database_(server_.create_database("catalog")) {}

  std::vector<CatalogTable> tables() {
    Connection connection = connect(database_.uri());
    return got(read_tables(connection, soon()));
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const CatalogTable& table : tables()) found.push_back(display(table.table.name));
    return found;
  }
  CatalogTable only() {
    const std::vector<CatalogTable> found = tables();
    EXPECT_EQ(found.size(), 1U);
    return found.at(0);
  }

  testbed::PostgresServer& server_;
  Database database_;
};
INSTANTIATE_TEST_SUITE_P(Majors, Catalog, ::testing::Values(12, 13, 15, 17, 18));

TEST_P(Catalog, the_servers_facts_are_read) {
  Connection connection = connect(database_.uri());
  const Server facts = got(read_server(connection, soon()));
  EXPECT_EQ(facts.major(), GetParam());
  EXPECT_EQ(facts.wal_level, "logical");
  EXPECT_FALSE(facts.in_recovery);
  EXPECT_EQ(facts.system_identifier, database_.scalar("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(facts.max_replication_slots, std::stoi(database_.scalar("SHOW max_replication_slots")));
  EXPECT_EQ(facts.max_wal_senders, std::stoi(database_.scalar("SHOW max_wal_senders")));
  EXPECT_THAT(facts.start_time, Not(IsEmpty()));
}

TEST_P(Catalog, a_role_without_privileges_can_read_everything_here) {
  database_.exec(
      "CREATE TABLE t (a int); DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN PASSWORD 'n';"
      "REVOKE CONNECT ON DATABASE \"" +
      database_.name() +
      "\" FROM public;"
      "GRANT CONNECT ON DATABASE \"" +
      database_.name() +
      "\" TO nobody;"
      "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
  {
    Connection connection = connect(server_.tcp_uri(database_.name(), "nobody", "n"));
    ASSERT_TRUE(connection.execute("BEGIN", soon()));
    EXPECT_EQ(got(read_server(connection, soon())).system_identifier, "");
    EXPECT_EQ(got(read_server(connection, soon())).shared_preload_libraries, "");
    EXPECT_THAT(got(read_databases(connection, soon())), Not(IsEmpty()));
    EXPECT_FALSE(got(read_tables(connection, soon())).at(0).may_select);
    EXPECT_THAT(got(read_extensions(connection, soon())), Not(IsEmpty()));
    EXPECT_TRUE(connection.execute("COMMIT", soon()));
  }
  database_.exec("GRANT EXECUTE ON FUNCTION pg_control_system() TO public; DROP OWNED BY nobody; DROP ROLE nobody");
}

TEST_P(Catalog, databases_come_with_their_locale_and_size) {
  const Database latin =
      server_.create_database("latin", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  Connection connection = connect(latin.uri());
  const auto own = got(read_current_database(connection, soon()));
  EXPECT_EQ(own.name, latin.name());
  EXPECT_EQ(own.owner, "postgres");
  EXPECT_EQ(own.encoding, "LATIN1");
  EXPECT_EQ(own.collate, "C");
  EXPECT_EQ(own.locale_provider, 'c');
  EXPECT_EQ(std::to_string(own.id), latin.scalar("SELECT oid FROM pg_database WHERE datname = current_database()"));
  EXPECT_GT(own.bytes.value_or(0), 1000000U);
  const auto all = got(read_databases(connection, soon()));
  const auto is_template = [](const auto& database) { return database.name == "template0"; };
  const auto found = std::find_if(all.begin(), all.end(), is_template);
  ASSERT_NE(found, all.end());
  EXPECT_TRUE(found->is_template);
  EXPECT_FALSE(found->allows_connections);
}

TEST_P(Catalog, what_holds_rows_of_a_user_is_listed) {
  database_.exec(
      "CREATE SCHEMA \"Mixed Case\"; CREATE SCHEMA _tributary; CREATE TABLE _tributary.replication (a int);"
      "CREATE TABLE \"Mixed Case\".\"t-1\" (a int); CREATE TABLE empty (); CREATE UNLOGGED TABLE loose (a int);"
      "CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);"
      "CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW mv AS SELECT 1; CREATE SEQUENCE s;"
      "CREATE TABLE events (at int) PARTITION BY RANGE (at);"
      "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (at);"
      "CREATE TABLE events_1_a PARTITION OF events_1 FOR VALUES FROM (1) TO (2);"
      "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER f FOREIGN DATA WRAPPER w;"
      "CREATE FOREIGN TABLE far (a int) SERVER f;"
      "CREATE FOREIGN TABLE events_far PARTITION OF events FOR VALUES FROM (7) TO (9) SERVER f");
  EXPECT_THAT(names(), ElementsAre("\"Mixed Case\".\"t-1\"", "public.child", "public.empty", "public.events_1_a",
                                   "public.loose", "public.parent"));
  const std::vector<CatalogTable> found = tables();
  EXPECT_THAT(found[3].partition_of, ElementsAre(model::Name{"public", "events_1"}, model::Name{"public", "events"}));
  EXPECT_THAT(found[1].partition_of, IsEmpty()) << "inheritance is no partitioning";
  EXPECT_THAT(found[2].table.columns, IsEmpty());
  EXPECT_TRUE(found[4].table.unlogged);
  EXPECT_FALSE(found[5].table.unlogged);
}

TEST_P(Catalog, an_extensions_table_is_listed_only_where_its_rows_are_the_users) {
  database_.exec(
      "CREATE TABLE config (a int, own bool); CREATE TABLE internal (a int); CREATE EXTENSION citext;"
      "ALTER EXTENSION citext ADD TABLE config; ALTER EXTENSION citext ADD TABLE internal;"
      "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = ARRAY['WHERE own']"
      " WHERE extname = 'citext'");
  const CatalogTable config = only();
  EXPECT_EQ(display(config.table.name), "public.config");
  EXPECT_EQ(config.extension, "citext");
  EXPECT_EQ(config.copy_filter, "WHERE own");
}

TEST_P(Catalog, columns_are_those_that_are_left_in_their_order) {
  database_.exec(
      "CREATE DOMAIN price AS numeric(10,2);"
      "CREATE TABLE t (gone text, id bigint GENERATED ALWAYS AS IDENTITY, \"Name\" varchar(5) NOT NULL,"
      " p price, twice int GENERATED ALWAYS AS (n * 2) STORED, n int, by_default int GENERATED BY DEFAULT AS IDENTITY);"
      "ALTER TABLE t DROP COLUMN gone");
  const std::vector<model::Column> columns = only().table.columns;
  std::vector<std::string> spelt;
  for (const model::Column& column : columns) {
    spelt.push_back(column.name + " " + column.type + (column.generated ? " generated" : "") +
                    (column.identity_always ? " always" : "") + (column.nullable ? "" : " not null"));
  }
  EXPECT_THAT(spelt, ElementsAre("id bigint always not null", "Name character varying(5) not null", "p public.price",
                                 "twice integer generated", "n integer", "by_default integer not null"));
}

TEST_P(Catalog, sizes_count_toast) {
  database_.exec(
      "CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL;"
      "INSERT INTO t SELECT repeat('x', 100000) FROM generate_series(1, 20); CREATE INDEX ON t (left(a, 5));"
      "ANALYZE t; CREATE TABLE u (a int)");
  const std::vector<CatalogTable> found = tables();
  EXPECT_GT(found[0].table.bytes, 2000000U);
  EXPECT_LT(found[0].table.bytes, 2600000U);
  EXPECT_EQ(found[0].table.pages, 1U);
  EXPECT_EQ(found[0].table.rows, 20);
  EXPECT_EQ(found[1].table.rows, -1) << "never analysed";
}

TEST_P(Catalog, an_identity_is_usable_in_the_servers_sense) {
  database_.exec(
      "CREATE TABLE a_key (id int PRIMARY KEY); CREATE TABLE b_deferrable (id int PRIMARY KEY DEFERRABLE);"
      "CREATE TABLE c_none (id int); CREATE TABLE d_full (id int); ALTER TABLE d_full REPLICA IDENTITY FULL;"
      "CREATE TABLE e_index (id int NOT NULL); CREATE UNIQUE INDEX i ON e_index (id);"
      "ALTER TABLE e_index REPLICA IDENTITY USING INDEX i;"
      "CREATE TABLE f_nothing (id int PRIMARY KEY); ALTER TABLE f_nothing REPLICA IDENTITY NOTHING;"
      "CREATE TABLE g_generated (n int, id int GENERATED ALWAYS AS (n) STORED PRIMARY KEY)");
  std::vector<bool> usable;
  for (const CatalogTable& table : tables()) usable.push_back(table.has_usable_identity);
  EXPECT_THAT(usable, ElementsAre(true, false, false, true, true, false, false));
}

TEST_P(Catalog, policies_that_hide_rows_from_the_role_are_seen) {
  database_.exec(
      "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'r';"
      "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO reader");
  EXPECT_FALSE(only().row_security) << "a superuser passes every policy";
  {
    Connection connection = connect(server_.tcp_uri(database_.name(), "reader", "r"));
    const CatalogTable table = got(read_tables(connection, soon())).at(0);
    EXPECT_TRUE(table.row_security);
    EXPECT_TRUE(table.may_select);
  }
  database_.exec("DROP OWNED BY reader; DROP ROLE reader");
}

TEST_P(Catalog, extensions_come_with_their_version) {
  database_.exec("CREATE SCHEMA x; CREATE EXTENSION hstore SCHEMA x VERSION '1.4'");
  Connection connection = connect(database_.uri());
  const std::vector<Extension> extensions = got(read_extensions(connection, soon()));
  ASSERT_EQ(extensions.size(), 2U);
  EXPECT_EQ(extensions[0].name, "hstore");
  EXPECT_EQ(extensions[0].version, "1.4");
  EXPECT_EQ(extensions[0].schema, "x");
}

}  // namespace
}  // namespace tributary::postgres
