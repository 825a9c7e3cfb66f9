#include "engine/postgres/copy/copy_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/sql.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using model::CopyFormat;
using testbed::Database;

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

Connection connect(const std::string& uri) {
  Result<Connection> connection = Connection::open(*parse_conninfo(uri), {"search_path = pg_catalog"}, soon());
  EXPECT_TRUE(connection) << connection.error().what;
  return std::move(*connection);
}

Shapes shapes_of(const Database& database) {
  Connection connection = connect(database.uri());
  Result<Shapes> shapes = read_shapes(connection, soon());
  EXPECT_TRUE(shapes) << shapes.error().what;
  return *shapes;
}

std::vector<CatalogTable> tables_of(const Database& database) {
  Connection connection = connect(database.uri());
  Result<std::vector<CatalogTable>> tables = read_tables(connection, soon());
  EXPECT_TRUE(tables) << tables.error().what;
  return *tables;
}

constexpr const char* types =
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');"
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
    "CREATE DOMAIN ref AS regclass;"
    "CREATE TYPE pair AS (a int, m mood, t text);"
    "CREATE TYPE badpair AS (a int, r regclass);"
    "CREATE TYPE nested AS (p pair, ps pair[], d positive);"
    "CREATE TYPE floats AS RANGE (subtype = float8);"
    "CREATE TYPE moods AS RANGE (subtype = mood);";

// Column definition, a value, its shape; "" where it must go as text.
struct Case {
  std::string type;
  std::string value;
  std::string shape;
};

const std::vector<Case> cases = {
    {"smallint", "-32768", "int2"},
    {"bigint", "9223372036854775807", "int8"},
    {"numeric(1000,3)", "'123456789012345678901234567890.125'", "numeric"},
    {"numeric", "'NaN'", "numeric"},
    {"real", "'-Infinity'", "float4"},
    {"double precision", "0.1", "float8"},
    {"text", "E'tab\\t nl\\n quote'' é 漢'", "text"},
    {"varchar(20)", "''", "varchar"},
    {"char(5)", "'ab'", "bpchar"},
    {"name", "'n'", "name"},
    {"\"char\"", "'x'", "char"},
    {"bytea", "'\\x00ff0a'", "bytea"},
    {"boolean", "true", "bool"},
    {"date", "'infinity'", "date"},
    {"time", "'23:59:59.999999'", "time"},
    {"timetz", "'23:59:59+02'", "timetz"},
    {"timestamp", "'-infinity'", "timestamp"},
    {"timestamptz", "'2026-11-21 12:00:00+01'", "timestamptz"},
    {"interval", "'1 mon 2 days 3.5 s'", "interval"},
    {"uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "uuid"},
    {"inet", "'::1/64'", "inet"},
    {"cidr", "'10.0.0.0/8'", "cidr"},
    {"macaddr8", "'08:00:2b:01:02:03:04:05'", "macaddr8"},
    {"bit(5)", "B'10101'", "bit"},
    {"bit varying", "B'101'", "varbit"},
    {"json", "'{\"a\":  1}'", "json"},
    {"jsonb", "'{\"a\": [1, null]}'", "jsonb"},
    {"jsonpath", "'$.a[*]'", "jsonpath"},
    {"xml", "'<a>é</a>'", "xml"},
    {"tsvector", "'a:1A b:2'", "tsvector"},
    {"tsquery", "'a & !b'", "tsquery"},
    {"point", "'(1,2)'", "point"},
    {"polygon", "'((0,0),(1,1),(1,0))'", "polygon"},
    {"money", "'12.34'", "money"},
    {"oid", "4294967295", "oid"},
    {"pg_lsn", "'16/B374D848'", "pg_lsn"},
    {"int2vector", "'1 2'", "int2vector"},
    {"int[]", "'[2:3]={1,NULL}'", "{int4}"},
    {"text[][]", "'{{a,b},{\"c d\",NULL}}'", "{text}"},
    {"int4range", "'[1,10)'", "range<int4>"},
    {"floats", "'[0.5,)'", "range<float8>"},
    {"moods", "'[sad,ok]'", "range<enum>"},
    {"mood", "'very happy'", "enum"},
    {"mood[]", "'{sad,ok}'", "{^enum}"},
    {"positive", "7", "int4"},
    {"pair", "'(1,sad,\"a,b\")'", "(1'a:int4,1'm:^enum,1't:text,)"},
    {"pair[]", "ARRAY[ROW(1,'ok',NULL)::pair]", "{^(1'a:int4,1'm:^enum,1't:text,)}"},
    {"nested", "ROW(ROW(1,'ok','x'), ARRAY[ROW(2,'sad','y')::pair], 3)::nested", "*"},
    {"aclitem", "'postgres=r/postgres'", ""},
    {"regclass", "'pg_class'", ""},
    {"regtype[]", "'{int4,text}'", ""},
    {"ref", "'pg_type'", ""},
    {"badpair", "ROW(1,'pg_class')", ""},
    {"badpair[]", "ARRAY[ROW(1,'pg_class')::badpair]", ""},
    {"regconfig", "'english'", ""},
    {"regnamespace", "'pg_catalog'", ""},
    {"regrole", "'postgres'", ""},
};

std::string table_name(std::size_t i) {
  return "t" + std::to_string(i);
}

// `shift` more types first, so that the same names have other OIDs on both ends.
void create(const Database& database, bool rows, int shift) {
  std::string sql;
  for (int i = 0; i < shift; ++i) sql += "CREATE TYPE shift" + std::to_string(i) + " AS ENUM ('x');";
  sql += types;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    sql += "CREATE TABLE " + table_name(i) + " (v " + cases[i].type + ");";
    if (rows) sql += "INSERT INTO " + table_name(i) + " VALUES (" + cases[i].value + "), (NULL);";
  }
  database.exec(sql);
}

void copy(Connection& from, Connection& to, const model::Table& table, CopyFormat format) {
  const std::string options = format == CopyFormat::binary ? " (FORMAT binary)" : " (FORMAT text)";
  Result<CopyOut> out = from.copy_out("COPY " + quote_name(table.name) + " TO STDOUT" + options, soon());
  ASSERT_TRUE(out) << out.error().what;
  Result<CopyIn> in = to.copy_in("COPY " + quote_name(table.name) + " FROM STDIN" + options, soon());
  ASSERT_TRUE(in) << in.error().what;
  for (;;) {
    const auto bytes = out->next(soon());
    ASSERT_TRUE(bytes) << bytes.error().what;
    if (bytes->empty()) break;
    ASSERT_TRUE(in->write(*bytes, soon()));
  }
  const auto rows = in->finish(soon());
  ASSERT_TRUE(rows) << display(table.name) << " " << table.columns.at(0).type << ": " << rows.error().what;
}

class CopyFormats : public ::testing::TestWithParam<std::pair<int, int>> {};
INSTANTIATE_TEST_SUITE_P(Majors, CopyFormats,
                         ::testing::Values(std::pair{12, 12}, std::pair{12, 18}, std::pair{13, 13}, std::pair{13, 14},
                                           std::pair{14, 15}, std::pair{15, 16}, std::pair{15, 17}, std::pair{17, 18},
                                           std::pair{18, 18}),
                         [](const auto& pair) {
                           return std::to_string(pair.param.first) + "_to_" + std::to_string(pair.param.second);
                         });

TEST_P(CopyFormats, every_type_has_its_shape) {
  const Database database = testbed::server(GetParam().first).create_database("shapes");
  create(database, false, 0);
  const Shapes shapes = shapes_of(database);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string& shape = shapes.tables.at({"public", table_name(i)}).at("v");
    if (cases[i].shape == "*") {
      EXPECT_NE(shape, "") << cases[i].type;
    } else {
      EXPECT_EQ(shape, cases[i].shape) << cases[i].type;
    }
  }
}

TEST_P(CopyFormats, every_type_arrives_intact_in_its_format) {
  const Database source = testbed::server(GetParam().first).create_database("from");
  const Database target = testbed::server(GetParam().second).create_database("to");
  create(source, true, 0);
  create(target, false, 5);
  const Shapes from_shapes = shapes_of(source), to_shapes = shapes_of(target);
  Connection from = connect(source.uri());
  Connection to = connect(target.uri());
  int binary = 0;
  for (const CatalogTable& found : tables_of(source)) {
    const CopyFormat format = choose_format(found.table, from_shapes, to_shapes);
    binary += format == CopyFormat::binary ? 1 : 0;
    copy(from, to, found.table, format);
  }
  EXPECT_GE(binary, GetParam().second < 14 ? 43 : 47);
  EXPECT_EQ(testbed::fingerprint(source.uri()), testbed::fingerprint(target.uri()));
}

TEST(CopyFormat, an_extensions_type_is_binary_only_in_the_same_version) {
  const Database source = testbed::server(17).create_database("ext");
  const Database same = testbed::server(17).create_database("same");
  const Database older = testbed::server(17).create_database("older");
  source.exec("CREATE EXTENSION hstore; CREATE TABLE t (h hstore)");
  same.exec("CREATE SCHEMA other; CREATE EXTENSION hstore SCHEMA other; CREATE TABLE t (h other.hstore)");
  older.exec("CREATE EXTENSION hstore VERSION '1.4'; CREATE TABLE t (h hstore)");
  const model::Table table = tables_of(source).at(0).table;
  EXPECT_EQ(choose_format(table, shapes_of(source), shapes_of(same)), CopyFormat::binary);
  EXPECT_EQ(choose_format(table, shapes_of(source), shapes_of(older)), CopyFormat::text);
}

TEST(CopyFormat, a_multirange_has_its_own_shape) {
  const Database database = testbed::server(14).create_database("multi");
  database.exec("CREATE TYPE r AS RANGE (subtype = regclass); CREATE TABLE t (a int4multirange, b r)");
  const Shapes shapes = shapes_of(database);
  EXPECT_EQ(shapes.tables.at({"public", "t"}).at("a"), "multirange<range<int4>>");
  EXPECT_EQ(shapes.tables.at({"public", "t"}).at("b"), "");
}

TEST(CopyFormat, a_composite_is_seen_through_its_dropped_attributes) {
  const Database database = testbed::server(15).create_database("dropped");
  database.exec("CREATE TYPE c AS (r regclass, i int); CREATE TABLE t (a c); ALTER TYPE c DROP ATTRIBUTE r");
  EXPECT_EQ(shapes_of(database).tables.at({"public", "t"}).at("a"), "(1'i:int4,)");
}

}  // namespace
}  // namespace tributary::postgres
