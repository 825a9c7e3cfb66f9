#include "engine/postgres/apply/row_statement.h"

#include <gtest/gtest.h>

#include "engine/postgres/apply/set_statement.h"
#include "engine/postgres/apply/testing/change_log.h"

namespace tributary::postgres::apply {
namespace {

using model::LogTable;
using testbed::Cell;
using testbed::ChangeLog;

const Cell same = Cell::same();

testbed::LogTablePtr log_table(LogTable::Identity identity = LogTable::Identity::primary_key) {
  auto table = std::make_shared<LogTable>();
  table->name = {"public", "t"};
  table->identity = identity;
  table->columns = {{"id", 23, -1, true}, {"a", 25, -1, identity == LogTable::Identity::whole_row}};
  return table;
}

TargetTable target_table() {
  TargetTable table;
  table.name = {"public", "t"};
  const std::string equal = "OPERATOR(pg_catalog.=)";
  table.columns = {{"id", 23, -1, "integer", equal, false, false, true, true},
                   {"a", 25, -1, "text", equal, false, false, true, true}};
  table.unique = {{{"id"}, true}};
  return table;
}

std::string sql_of(const TargetTable& target, const ChangeLog& log) {
  const model::Event& event = log.batch().events().front();
  const TablePlan plan = plan_table(*event.table, target).value();
  RowForm form;
  const Result<void> taken = form.take(plan, event);
  return taken ? row_statement(plan, form).sql : taken.error().what;
}

TEST(ARowStatement, of_a_keyed_table_finds_its_row_by_the_key) {
  const auto t = log_table();
  const TargetTable target = target_table();
  EXPECT_EQ(sql_of(target, ChangeLog().insert(t, {"1", "x"})),
            "INSERT INTO \"public\".\"t\" (\"id\", \"a\") OVERRIDING SYSTEM VALUE VALUES ($1, $2)");
  EXPECT_EQ(sql_of(target, ChangeLog().update(t, {"1", "x"})),
            "UPDATE ONLY \"public\".\"t\" SET \"a\" = $1 WHERE \"id\" OPERATOR(pg_catalog.=) $2");
  EXPECT_EQ(sql_of(target, ChangeLog().update(t, {"2", same}, {"1", nullptr})),
            "UPDATE ONLY \"public\".\"t\" SET \"id\" = $1 WHERE \"id\" OPERATOR(pg_catalog.=) $2");
  EXPECT_EQ(sql_of(target, ChangeLog().update(t, {"1", same})),
            "SELECT FROM ONLY \"public\".\"t\" WHERE \"id\" OPERATOR(pg_catalog.=) $1");
  EXPECT_EQ(sql_of(target, ChangeLog().remove(t, {"1", nullptr})),
            "DELETE FROM ONLY \"public\".\"t\" WHERE \"id\" OPERATOR(pg_catalog.=) $1");
}

TEST(ARowStatement, of_a_whole_row_takes_one_of_equals) {
  const auto t = log_table(LogTable::Identity::whole_row);
  TargetTable target = target_table();
  target.columns[1].equality = "";
  EXPECT_EQ(sql_of(target, ChangeLog().remove(t, {"1", "x"})),
            "DELETE FROM ONLY \"public\".\"t\" WHERE ctid = (SELECT ctid FROM ONLY \"public\".\"t\" WHERE"
            " \"id\" OPERATOR(pg_catalog.=) $1 AND"
            " \"a\"::pg_catalog.text COLLATE \"C\" = $2::pg_catalog.text COLLATE \"C\" LIMIT 1)");
  EXPECT_EQ(sql_of(target, ChangeLog().remove(t, {nullptr, nullptr})),
            "DELETE FROM ONLY \"public\".\"t\" WHERE ctid = (SELECT ctid FROM ONLY \"public\".\"t\" WHERE"
            " \"id\" IS NULL AND \"a\" IS NULL LIMIT 1)");
}

TEST(ARowStatement, replaces_a_row_whose_identity_is_always_generated) {
  TargetTable target = target_table();
  target.columns[0].is_identity_always = true;
  target.columns.push_back({"note", 25, -1, "text", "", false, false, true, true});
  const auto t = log_table();
  EXPECT_EQ(sql_of(target, ChangeLog().update(t, {"2", same}, {"1", nullptr})),
            "WITH gone AS (DELETE FROM ONLY \"public\".\"t\" WHERE \"id\" OPERATOR(pg_catalog.=) $2"
            " RETURNING \"id\", \"a\", \"note\") INSERT INTO \"public\".\"t\" (\"id\", \"a\", \"note\")"
            " OVERRIDING SYSTEM VALUE SELECT $1, gone.\"a\", gone.\"note\" FROM gone");
  EXPECT_EQ(sql_of(target, ChangeLog().update(t, {"1", "x"})),
            "UPDATE ONLY \"public\".\"t\" SET \"a\" = $1 WHERE \"id\" OPERATOR(pg_catalog.=) $2");
}

TEST(ARowStatement, needs_to_know_which_row) {
  EXPECT_EQ(sql_of(target_table(), ChangeLog().remove(log_table(), {same, nullptr})),
            "a delete does not tell which row it is about");
  EXPECT_EQ(sql_of(target_table(), ChangeLog().update(log_table(LogTable::Identity::whole_row), {"1", "x"})),
            "an update does not tell which row it is about");
  EXPECT_EQ(sql_of(target_table(), ChangeLog().insert(log_table(), {"1", same})),
            "an insert does not tell the value of column \"a\"");
}

TEST(ASetStatement, takes_arrays_of_texts) {
  const TablePlan plan = plan_table(*log_table(), target_table()).value();
  EXPECT_EQ(insert_set(plan).sql,
            "INSERT INTO \"public\".\"t\" (\"id\", \"a\") OVERRIDING SYSTEM VALUE SELECT g.c0::integer, g.c1::text FROM"
            " unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS g (c0, c1)");
  EXPECT_EQ(update_set(plan, {true, true}).sql,
            "UPDATE ONLY \"public\".\"t\" AS t SET \"a\" = g.c1::text FROM unnest($1::pg_catalog.text[],"
            " $2::pg_catalog.text[]) AS g (c0, c1) WHERE t.\"id\" OPERATOR(pg_catalog.=) g.c0::integer");
  EXPECT_EQ(update_set(plan, {true, false}).sql,
            "SELECT FROM ONLY \"public\".\"t\" AS t, unnest($1::pg_catalog.text[]) AS g (c0)"
            " WHERE t.\"id\" OPERATOR(pg_catalog.=) g.c0::integer");
  EXPECT_EQ(delete_set(plan).sql,
            "DELETE FROM ONLY \"public\".\"t\" AS t USING unnest($1::pg_catalog.text[]) AS g (c0)"
            " WHERE t.\"id\" OPERATOR(pg_catalog.=) g.c0::integer");
}

}  // namespace
}  // namespace tributary::postgres::apply
