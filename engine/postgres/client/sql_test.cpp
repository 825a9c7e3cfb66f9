#include "engine/postgres/client/sql.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

TEST(Sql, an_identifier_is_always_quoted) {
  EXPECT_EQ(quote_identifier("orders"), R"("orders")");
  EXPECT_EQ(quote_identifier("Mixed Case"), R"("Mixed Case")");
  EXPECT_EQ(quote_identifier(R"(a"b)"), R"("a""b")");
  EXPECT_EQ(quote_identifier(""), R"("")");
}

TEST(Sql, a_literal_doubles_its_quotes) {
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal(""), "''");
}

TEST(Sql, a_literal_with_a_backslash_means_the_same_under_every_setting) {
  EXPECT_EQ(quote_literal(R"(a\b'c)"), R"(E'a\\b''c')");
}

TEST(Sql, a_name_is_quoted_part_by_part) {
  EXPECT_EQ(quote_name({"my schema", "t.1"}), R"("my schema"."t.1")");
}

TEST(Sql, nothing_after_a_nul_byte_is_spelt) {
  EXPECT_EQ(quote_literal(std::string_view("a\0b", 3)), "'a'");
  EXPECT_EQ(quote_identifier(std::string_view("a\0b", 3)), R"("a")");
}

}  // namespace
}  // namespace tributary::postgres
