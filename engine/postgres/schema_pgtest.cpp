#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/postgres/schema_read.h"
#include "engine/postgres/sequences.h"
#include "engine/postgres/sql.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"
#include "engine/testing/server_files.h"

namespace tributary::postgres {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

std::string client(const std::string& program) {
  return (testbed::installation(18).parent_path() / "client-18/bin" / program).string();
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
  auto schema = read_schema(connection, {parse_conninfo(uri).value(), snapshot, client("pg_dump"), selects, traits},
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

// The same database restored by PostgreSQL's own programs, to compare with on the target's server. They stumble over
// settings that an older server does not know, so their status says nothing.
void restore(const std::string& from, const std::string& to) {
  const auto folder = testbed::server_folder("/tmp", "restore");
  testbed::run_program({"/bin/sh", "-c",
                        client("pg_dump") + " -Fc --no-publications --dbname='" + from + "' | " + client("pg_restore") +
                            " --dbname='" + to + "' || true"},
                       folder / "log");
  std::filesystem::remove_all(folder);
}

// Without the versions of extensions, where we differ from pg_restore by intent.
std::vector<std::string> structure_but_versions(const std::string& uri) {
  std::vector<std::string> lines = testbed::structure(uri);
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("extension |"); });
  return lines;
}

struct Pair {
  int source;
  int target;
};

std::string name_of(const ::testing::TestParamInfo<Pair>& info) {
  return std::to_string(info.param.source) + "_to_" + std::to_string(info.param.target);
}

class TheFidelityDatabase : public ::testing::TestWithParam<Pair> {};
INSTANTIATE_TEST_SUITE_P(Pairs, TheFidelityDatabase,
                         ::testing::Values(Pair{12, 13}, Pair{13, 13}, Pair{13, 18}, Pair{15, 15}, Pair{15, 17},
                                           Pair{17, 17}, Pair{17, 18}, Pair{18, 18}),
                         name_of);

TEST_P(TheFidelityDatabase, arrives_as_pg_restore_would_bring_it) {
  testbed::PostgresServer& from = testbed::server(GetParam().source);
  testbed::PostgresServer& to = testbed::server(GetParam().target);
  const testbed::Database source = from.create_database("everything");
  testbed::fill_with_everything(source, from.major());
  testbed::create_fidelity_roles(to);
  const testbed::Database reference = to.create_database("reference");
  const testbed::Database copy = to.create_database("copy");
  restore(source.uri(), reference.uri());

  Connection target = connect_target(copy.uri());
  Reading reading = read(source.uri(), target);
  EXPECT_THAT(carry_out(reading, target), IsEmpty());

  EXPECT_EQ(testbed::difference(structure_but_versions(reference.uri()), structure_but_versions(copy.uri())), "");
  EXPECT_EQ(testbed::fingerprint(copy.uri()), testbed::fingerprint(source.uri()));
  EXPECT_EQ(testbed::sequences(copy.uri()), testbed::sequences(source.uri()));
  if (from.major() == to.major()) {
    EXPECT_EQ(testbed::difference(testbed::structure(source.uri()), testbed::structure(copy.uri())), "");
  }
}

}  // namespace
}  // namespace tributary::postgres
