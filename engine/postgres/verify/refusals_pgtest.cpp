#include "engine/postgres/verify/refusals.h"

#include <gmock/gmock.h>

#include "engine/testing/postgres_server.h"

namespace tributary::postgres::verify {
namespace {

using testbed::server;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Refusing : ::testing::Test {
  testbed::Database source = server(15).create_database("refused_source");
  testbed::Database target = server(18).create_database("refused_target");
  api::Spec spec;

  Refusing() {
    source.exec(
        "CREATE TABLE orders (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (9)");
    spec.source.uri = source.uri();
    spec.target.uri = target.uri();
  }
  std::vector<std::string> told() const {
    const Result<std::vector<api::Finding>> findings = find_refusals(spec, {Deadline::after(Seconds{60}), {}});
    EXPECT_TRUE(findings) << describe(findings.error());
    std::vector<std::string> told;
    for (const api::Finding& each : findings ? *findings : std::vector<api::Finding>{})
      told.push_back(each.code + ": " + each.message + " (" + each.hint + ")");
    return told;
  }
};

TEST_F(Refusing, entries_of_the_selection_that_name_nothing) {
  spec.selection.include_tables = {source.name() + ".orders", source.name() + ".order_1"};
  EXPECT_THAT(told(),
              ElementsAre("SelectionMatchesNothing: includeTables entry '" + source.name() +
                          ".order_1' matches nothing on the source (did you mean " + source.name() + ".orders_1)"));
  spec.selection = {};
  spec.selection.include_databases = {"no_such_database"};
  EXPECT_THAT(told(), ElementsAre(HasSubstr("includeDatabases entry 'no_such_database' matches nothing")));
  spec.selection = {};
  spec.selection.exclude_tables = {source.name() + ".order"};
  EXPECT_THAT(told(), ElementsAre(HasSubstr("excludeTables entry")));
}

TEST_F(Refusing, nothing_where_all_entries_name_something) {
  spec.selection.include_tables = {source.name() + ".orders"};
  EXPECT_THAT(told(), IsEmpty());
  spec.selection = {};
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Refusing, a_database_that_is_compared_with_itself) {
  spec.target.uri = source.uri();
  EXPECT_THAT(told(), ElementsAre(HasSubstr("SameDatabase: source and target are this same database")));
  const testbed::Database other = server(15).create_database("refused_target");
  spec.target.uri = other.uri();
  EXPECT_THAT(told(), IsEmpty()) << "another database of the same server";
}

TEST_F(Refusing, leaves_a_target_that_is_not_there_to_the_comparison) {
  spec.target.uri = server(18).adopt_database("refused_nowhere").uri();
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace tributary::postgres::verify
