#include "engine/postgres/schema/statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Statements, end_at_semicolons_and_lose_the_space_around_them) {
  EXPECT_THAT(split_statements("GRANT a;\n\nGRANT b;\n"), ElementsAre("GRANT a", "GRANT b"));
  EXPECT_THAT(split_statements("GRANT a"), ElementsAre("GRANT a"));
  EXPECT_THAT(split_statements(" ;\n; "), IsEmpty());
}

TEST(Statements, keep_semicolons_inside_quotes) {
  EXPECT_THAT(split_statements(R"(GRANT SELECT ON "a;""b;" TO "c;d"; X)"),
              ElementsAre(R"(GRANT SELECT ON "a;""b;" TO "c;d")", "X"));
  EXPECT_THAT(split_statements("WHERE a = 'x;''y;'; X"), ElementsAre("WHERE a = 'x;''y;'", "X"));
}

TEST(Statements, know_what_a_backslash_means) {
  EXPECT_THAT(split_statements(R"(A '\'; B)"), ElementsAre(R"(A '\')", "B"));
  EXPECT_THAT(split_statements(R"(A E'\';'; B)"), ElementsAre(R"(A E'\';')", "B"));
  EXPECT_THAT(split_statements(R"(A E'a''b\';'; B)"), ElementsAre(R"(A E'a''b\';')", "B"));
}

TEST(Statements, take_an_open_quote_to_the_end) {
  EXPECT_THAT(split_statements("A 'b; c"), ElementsAre("A 'b; c"));
}

}  // namespace
}  // namespace tributary::postgres
