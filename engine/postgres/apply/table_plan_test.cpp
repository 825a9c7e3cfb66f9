#include "engine/postgres/apply/table_plan.h"

#include <gtest/gtest.h>

#include <functional>

namespace tributary::postgres::apply {
namespace {

using model::LogTable;

struct Pair {
  LogTable log{7, {"public", "t"}, LogTable::Identity::primary_key, {{"id", 23, -1, true}, {"a", 25, -1, false}}};
  TargetTable target{{"public", "t"},
                     false,
                     {{"id", 23, -1, "integer", "OPERATOR(pg_catalog.=)", false, false, true, true},
                      {"a", 25, -1, "text", "OPERATOR(pg_catalog.=)", false, false, true, true}},
                     {{{"id"}, true}},
                     false};
};

struct Case {
  const char* name;
  std::function<void(Pair&)> change;
  bool may_coalesce;
};

TEST(ATablePlan, sums_changes_up_only_where_that_leads_to_the_same_rows) {
  const Case cases[] = {
      {"a plain table", [](Pair&) {}, true},
      {"a trigger that fires", [](Pair& p) { p.target.has_active_triggers = true; }, false},
      {"a further unique index",
       [](Pair& p) {
         p.target.unique.push_back({{"a"}, true});
       },
       false},
      {"a wider unique index",
       [](Pair& p) {
         p.target.unique.push_back({{"id", "a"}, true});
       },
       false},
      {"the same index again",
       [](Pair& p) {
         p.target.unique.push_back({{"id"}, true});
       },
       true},
      {"an index of an expression",
       [](Pair& p) {
         p.target.unique.push_back({{""}, true});
       },
       false},
      {"a key that compares otherwise", [](Pair& p) { p.log.columns[0].type = p.target.columns[0].type = 1700; },
       false},
      {"a key of another type on the target", [](Pair& p) { p.log.columns[0].type = 25; }, false},
      {"a key of another precision", [](Pair& p) { p.log.columns[0].modifier = 3; }, false},
      {"a key whose letters compare otherwise", [](Pair& p) { p.target.columns[0].collates_by_bytes = false; }, false},
      {"a key of padded characters",
       [](Pair& p) {
         p.log.columns[0].type = p.target.columns[0].type = 1042;
         p.log.columns[0].modifier = p.target.columns[0].modifier = 7;
       },
       true},
      {"a key of characters that may be padded",
       [](Pair& p) { p.log.columns[0].type = p.target.columns[0].type = 1042; }, false},
      {"an identity beside the key", [](Pair& p) { p.target.columns[1].is_identity_always = true; }, false},
      {"an identity as the key", [](Pair& p) { p.target.columns[0].is_identity_always = true; }, true},
      {"a value that a cast would change", [](Pair& p) { p.target.columns[1].casts_from_text = false; }, false},
      {"whole rows with a key on the target", [](Pair& p) { p.log.identity = LogTable::Identity::whole_row; }, false},
      {"nothing to tell rows apart",
       [](Pair& p) {
         p.log.identity = LogTable::Identity::none;
         p.log.columns[0].identifies = false;
         p.target.unique.clear();
       },
       true},
  };
  for (const Case& one : cases) {
    Pair pair;
    one.change(pair);
    const auto plan = plan_table(pair.log, pair.target);
    ASSERT_TRUE(plan) << one.name;
    EXPECT_EQ(plan->may_coalesce, one.may_coalesce) << one.name;
  }
}

TEST(ATablePlan, maps_columns_by_name_and_misses_those_that_the_target_lacks) {
  Pair pair;
  std::swap(pair.target.columns[0], pair.target.columns[1]);
  pair.target.columns.push_back({"more", 25, -1, "text", "", false, false, true, true});
  const TablePlan plan = plan_table(pair.log, pair.target).value();
  EXPECT_EQ(plan.columns[0].type, 23u);
  EXPECT_EQ(plan.others, std::vector<std::string>{"\"more\""});
  pair.log.columns.push_back({"B\"c", 25, -1, false});
  const auto missing = plan_table(pair.log, pair.target);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().fault, Fault::differs);
  EXPECT_EQ(missing.error().what, "the target's table has no column \"B\"\"c\"");
}

TEST(IsSame, sees_every_difference_that_a_plan_depends_on) {
  const LogTable table = Pair{}.log;
  EXPECT_TRUE(is_same(table, table));
  LogTable other = table;
  other.columns[1].modifier = 8;
  EXPECT_FALSE(is_same(table, other));
  other = table;
  other.identity = LogTable::Identity::index;
  EXPECT_FALSE(is_same(table, other));
  other = table;
  other.columns.pop_back();
  EXPECT_FALSE(is_same(table, other));
  EXPECT_FALSE(is_same(other, table));
  other = table;
  other.name.name = "u";
  EXPECT_FALSE(is_same(table, other));
}

TEST(ATablePlan, of_a_shared_table_needs_a_key_that_holds_for_all_of_it) {
  Pair pair;
  pair.target.is_partitioned = true;
  pair.target.unique = {{{"id"}, false}};
  const Result<TablePlan> without = plan_table(pair.log, pair.target, Holding::shared);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().fault, Fault::differs);
  pair.target.unique = {{{"a", "id"}, true}, {{"id"}, false}};
  EXPECT_FALSE(plan_table(pair.log, pair.target, Holding::shared));
  pair.target.unique = {{{"a", "id"}, true}, {{"id"}, true}};
  const Result<TablePlan> plan = plan_table(pair.log, pair.target, Holding::shared);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->may_coalesce);
  pair.target.unique.clear();
  pair.log.identity = LogTable::Identity::whole_row;
  EXPECT_TRUE(plan_table(pair.log, pair.target, Holding::shared)) << "equal rows lie in one partition";
}

}  // namespace
}  // namespace tributary::postgres::apply
