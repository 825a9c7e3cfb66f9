#include "engine/postgres/roles/settings.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

TEST(Settings, are_quoted_as_one_value) {
  EXPECT_EQ(assignment("work_mem=8MB"), R"("work_mem" = '8MB')");
  EXPECT_EQ(assignment("app.note=it's a=b, \"c\""), R"("app.note" = 'it''s a=b, "c"')");
  EXPECT_EQ(assignment("application_name="), R"("application_name" = '')");
}

TEST(Settings, that_are_lists_of_names_are_quoted_name_by_name) {
  EXPECT_EQ(assignment(R"(search_path="$user", public, "Mixed, ""Case")"),
            R"("search_path" = '$user', 'public', 'Mixed, "Case')");
  EXPECT_EQ(assignment(R"(search_path="")"), R"("search_path" = '')");
  EXPECT_EQ(assignment("search_path="), R"("search_path" = '')");
}

TEST(Settings, without_a_name_are_none) {
  EXPECT_EQ(assignment("nothing"), "");
  EXPECT_EQ(assignment("=8MB"), "");
}

}  // namespace
}  // namespace tributary::postgres
