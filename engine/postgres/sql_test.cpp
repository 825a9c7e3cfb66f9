#include "engine/postgres/sql.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

TEST(Sql, AnIdentifierIsAlwaysQuoted) {
  EXPECT_EQ(quote_identifier("orders"), R"("orders")");
  EXPECT_EQ(quote_identifier("Mixed Case"), R"("Mixed Case")");
  EXPECT_EQ(quote_identifier(R"(a"b)"), R"("a""b")");
  EXPECT_EQ(quote_identifier(""), R"("")");
}

TEST(Sql, ALiteralDoublesItsQuotes) {
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal(""), "''");
}

TEST(Sql, ALiteralWithABackslashMeansTheSameUnderEverySetting) {
  EXPECT_EQ(quote_literal(R"(a\b'c)"), R"(E'a\\b''c')");
}

TEST(Sql, ANameIsQuotedPartByPart) {
  EXPECT_EQ(quote_name({"my schema", "t.1"}), R"("my schema"."t.1")");
}

TEST(Sql, NothingAfterANulByteIsSpelt) {
  EXPECT_EQ(quote_literal(std::string_view("a\0b", 3)), "'a'");
  EXPECT_EQ(quote_identifier(std::string_view("a\0b", 3)), R"("a")");
}

}  // namespace
}  // namespace tributary::postgres
