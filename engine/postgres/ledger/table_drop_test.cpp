#include "engine/postgres/ledger/table_drop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupsToDrop, are_no_larger_than_asked_for_where_nothing_hangs_together) {
  EXPECT_THAT(groups_to_drop(0, {}, 2), IsEmpty());
  EXPECT_THAT(groups_to_drop(5, {}, 2), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4)));
}

TEST(GroupsToDrop, keep_together_what_hangs_together_over_however_many_bonds) {
  EXPECT_THAT(groups_to_drop(6, {{0, 4}, {5, 4}, {1, 2}, {2, 1}}, 3),
              ElementsAre(ElementsAre(0, 4, 5), ElementsAre(1, 2, 3)));
  EXPECT_THAT(groups_to_drop(4, {{3, 2}, {1, 2}, {0, 1}}, 2), ElementsAre(ElementsAre(0, 1, 2, 3)));
}

}  // namespace
}  // namespace tributary::postgres
