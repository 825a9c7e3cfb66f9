#include "engine/postgres/verify/verdict.h"

#include <gtest/gtest.h>

namespace tributary::postgres::verify {
namespace {

using api::Comparison;

api::Verification equal() {
  api::Verification found;
  found.tables_compared = 2;
  return found;
}

TEST(Verdict, is_equal_where_all_was_compared_and_nothing_differs) {
  api::Verification found = equal();
  EXPECT_EQ(verdict_of(found), Comparison::equal);
  found.structure = {{"shop", "index", "public.i", "CREATE INDEX", ""}};
  found.unread = {{"shop", "materialized view", 1, "refreshed"}};
  EXPECT_EQ(verdict_of(found), Comparison::equal);
}

TEST(Verdict, is_none_where_something_or_everything_was_not_compared) {
  api::Verification found = equal();
  found.tables_not_compared = 1;
  EXPECT_EQ(verdict_of(found), Comparison::not_compared);
  found = equal();
  found.sequences = {{"shop", "unreadable sequence", "public.s", "may not be read", "7"}};
  EXPECT_EQ(verdict_of(found), Comparison::not_compared);
  EXPECT_EQ(verdict_of({}), Comparison::not_compared);
}

TEST(Verdict, is_different_whatever_was_not_compared) {
  api::Verification found = equal();
  found.tables_different = 1;
  found.tables_not_compared = 1;
  EXPECT_EQ(verdict_of(found), Comparison::different);
  found = equal();
  found.sequences = {{"shop", "sequence", "public.s", "9", "7"}};
  EXPECT_EQ(verdict_of(found), Comparison::different);
}

}  // namespace
}  // namespace tributary::postgres::verify
