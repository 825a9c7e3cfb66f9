#include "engine/postgres/sync/renaming.h"

#include <gtest/gtest.h>

#include "engine/postgres/schema/shape_change.h"

namespace tributary::postgres::sync {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

TEST(TablesThatAreRenamed, are_one_group_where_they_want_each_others_names) {
  const Renaming a{1, {"s", "a"}, {"s", "b"}};
  const Renaming b{2, {"s", "b"}, {"s", "c"}};
  const Renaming c{3, {"s", "c"}, {"s", "a"}};
  const Renaming d{4, {"s", "d"}, {"t", "d"}};
  EXPECT_EQ(grouped({a, b}), (Groups{{0, 1}}));
  EXPECT_EQ(grouped({d, b, a}), (Groups{{0}, {1, 2}}));
  EXPECT_EQ(grouped({c, d, a, b}), (Groups{{0, 2, 3}, {1}}));
  EXPECT_EQ(grouped({}), Groups{});
}

TEST(TablesThatAreRenamed, go_by_names_that_nobody_has_where_there_are_several) {
  EXPECT_EQ(script_of(renaming_statements({{7, {"s", "a"}, {"t", "b"}}})),
            R"(ALTER TABLE "s"."a" SET SCHEMA "t"; ALTER TABLE "t"."a" RENAME TO "b";)");
  EXPECT_EQ(script_of(renaming_statements({{7, {"s", "a"}, {"s", "b"}}, {8, {"s", "b"}, {"s", "a"}}})),
            R"(ALTER TABLE "s"."a" RENAME TO "tributary 7"; ALTER TABLE "s"."b" RENAME TO "tributary 8"; )"
            R"(ALTER TABLE "s"."tributary 7" RENAME TO "b"; ALTER TABLE "s"."tributary 8" RENAME TO "a";)");
}

TEST(TablesThatAreRenamed, go_by_schemas_that_nobody_has_where_they_change_theirs) {
  EXPECT_EQ(script_of(renaming_statements({{7, {"s", "a"}, {"t", "a"}}, {8, {"t", "a"}, {"s", "a"}}})),
            R"(CREATE SCHEMA "tributary 7"; ALTER TABLE "s"."a" SET SCHEMA "tributary 7"; )"
            R"(CREATE SCHEMA "tributary 8"; ALTER TABLE "t"."a" SET SCHEMA "tributary 8"; )"
            R"(ALTER TABLE "tributary 7"."a" SET SCHEMA "t"; DROP SCHEMA "tributary 7"; )"
            R"(ALTER TABLE "tributary 8"."a" SET SCHEMA "s"; DROP SCHEMA "tributary 8";)");
}

}  // namespace
}  // namespace tributary::postgres::sync
