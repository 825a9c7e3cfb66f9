#include "engine/postgres/client/array_literal.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using Words = std::vector<std::string>;

TEST(AnArraysText, gives_back_what_was_put_into_it) {
  for (const Words& words : {Words{}, Words{""}, Words{"a", "b c", "\"", "\\", "{,}", "NULL", ""}}) {
    const Result<Words> back = parse_array(array_literal(words));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, words);
  }
}

TEST(AnArraysText, is_read_as_a_server_writes_it) {
  EXPECT_EQ(parse_array("{a,\"b \\\"c\\\"\",7}").value(), (Words{"a", "b \"c\"", "7"}));
  for (const char* broken : {"", "{", "a", "{a", "{a,}", "{,a}", "{NULL}", "{{a},{b}}", "{\"a}", "{\"a\"b}", "{\"a\\}"})
    EXPECT_FALSE(parse_array(broken)) << broken;
}

}  // namespace
}  // namespace tributary::postgres
