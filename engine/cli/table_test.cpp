#include "engine/cli/table.h"

#include <gtest/gtest.h>

namespace tributary::cli {
namespace {

TEST(Table, aligns_columns_by_what_is_seen) {
  Table table({"A", "LONG", "LAST"});
  table.add({"\xe8\xa1\xa8", "x", "y"});
  table.add({"b", "yyyyyy", ""});
  EXPECT_EQ(table.text(0),
            "A   LONG    LAST\n"
            "\xe8\xa1\xa8  x       y\n"
            "b   yyyyyy\n");
}

TEST(Table, wraps_only_the_last_column) {
  Table table({"CODE", "MESSAGE"});
  table.add({"Some", "one two three four five six seven"});
  EXPECT_EQ(table.text(34),
            "CODE  MESSAGE\n"
            "Some  one two three four five six\n"
            "      seven\n");
}

TEST(Table, colours_the_first_cell_and_cleans_every_cell) {
  Table table({"S", "M"});
  table.add({"ok", "a\x1b[31m"}, "\x1b[32m");
  EXPECT_EQ(table.text(0), "S   M\n\x1b[32mok\x1b[0m  a?[31m\n");
}

}  // namespace
}  // namespace tributary::cli
