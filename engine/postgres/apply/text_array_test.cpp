#include "engine/postgres/apply/text_array.h"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace tributary::postgres::apply {
namespace {

// SELECT array_send('{a,NULL,""}'::text[])
TEST(ATextArray, is_spelt_as_the_server_reads_it) {
  TextArray array;
  array.add("a");
  array.add(std::nullopt);
  array.add("");
  EXPECT_EQ(array.size(), 3u);
  EXPECT_EQ(array.bytes(),
            "\0\0\0\1"
            "\0\0\0\1"
            "\0\0\0\x19"
            "\0\0\0\3"
            "\0\0\0\1"
            "\0\0\0\1a"
            "\xff\xff\xff\xff"
            "\0\0\0\0"s);
}

TEST(ATextArray, begins_anew) {
  TextArray array;
  array.add(std::nullopt);
  array.clear();
  array.add("b");
  EXPECT_EQ(array.bytes(),
            "\0\0\0\1"
            "\0\0\0\0"
            "\0\0\0\x19"
            "\0\0\0\1"
            "\0\0\0\1"
            "\0\0\0\1b"s);
}

}  // namespace
}  // namespace tributary::postgres::apply
