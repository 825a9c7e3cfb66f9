#include "engine/postgres/sync/enum_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Words = std::vector<std::string>;

MissingLabels missing(const Words& source, const Words& target) {
  return missing_labels({{"s", "t"}, source, {}}, target);
}

std::string add(const std::string& rest) {
  return "ALTER TYPE \"s\".\"t\" ADD VALUE IF NOT EXISTS " + rest;
}

TEST(MissingLabelsOfAnEnum, are_none_where_the_target_has_all) {
  EXPECT_THAT(missing({"a", "b"}, {"a", "b"}).statements, IsEmpty());
  EXPECT_THAT(missing({"a", "b"}, {"a", "own", "b"}).statements, IsEmpty());
  EXPECT_THAT(missing({"b", "a"}, {"a", "b"}).statements, IsEmpty()) << "no statement changes the order";
  EXPECT_THAT(missing({}, {}).statements, IsEmpty());
}

TEST(MissingLabelsOfAnEnum, are_added_where_the_source_has_them) {
  const MissingLabels some = missing({"x", "a", "y", "it's", "b", "z"}, {"a", "b"});
  EXPECT_THAT(some.statements,
              ElementsAre(add("'x' BEFORE 'a'"), add("'y' AFTER 'a'"), add("'it''s' AFTER 'y'"), add("'z' AFTER 'b'")));
  EXPECT_FALSE(some.may_be_renamed);
}

TEST(MissingLabelsOfAnEnum, are_added_to_a_type_without_any) {
  EXPECT_THAT(missing({"a", "b"}, {}).statements, ElementsAre(add("'a'"), add("'b' AFTER 'a'")));
}

TEST(MissingLabelsOfAnEnum, may_be_renamed_ones_where_the_target_has_others_in_their_place) {
  EXPECT_TRUE(missing({"a", "new", "b"}, {"a", "old", "b"}).may_be_renamed);
  EXPECT_TRUE(missing({"new", "b"}, {"old", "b"}).may_be_renamed);
  EXPECT_TRUE(missing({"a", "new"}, {"a", "old"}).may_be_renamed);
  EXPECT_TRUE(missing({"new"}, {"old"}).may_be_renamed);
}

TEST(MissingLabelsOfAnEnum, are_no_renamed_ones_where_the_others_are_elsewhere) {
  EXPECT_FALSE(missing({"a", "b", "new", "c"}, {"a", "old", "b", "c"}).may_be_renamed);
  EXPECT_FALSE(missing({"new", "a"}, {"a", "own"}).may_be_renamed);
}

// Which of the others is in the place of which, nobody knows.
TEST(MissingLabelsOfAnEnum, may_be_renamed_ones_where_the_order_is_another) {
  EXPECT_TRUE(missing({"b", "new", "a"}, {"a", "b", "old"}).may_be_renamed);
}

}  // namespace
}  // namespace tributary::postgres::sync
