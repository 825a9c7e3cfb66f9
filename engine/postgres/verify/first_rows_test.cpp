#include "engine/postgres/verify/first_rows.h"

#include <gtest/gtest.h>

namespace tributary::postgres::verify {
namespace {

std::string key(std::size_t id) {
  return "id=" + std::to_string(id);
}

TEST(FirstRows, are_those_with_the_first_keys_in_whatever_order_they_come) {
  FirstKeys first;
  std::vector<api::RowDifference> rows;
  for (std::size_t i = 0; i < 10'007; ++i) {
    const std::size_t id = i * 7'919 % 10'007;
    if (first.take(key(id))) rows.push_back({api::RowDifference::Kind::missing, key(id)});
  }
  EXPECT_LT(rows.size(), 2'000U) << "few are looked at in vain";
  keep_first(rows);
  ASSERT_EQ(rows.size(), api::most_rows_told);
  for (std::size_t id = 0; id < rows.size(); ++id) EXPECT_EQ(rows[id].key, key(id));
}

TEST(FirstRows, are_all_where_they_are_few) {
  FirstKeys first;
  std::vector<api::RowDifference> rows;
  for (const std::size_t id : {30U, 4U, 200U, 4U}) {
    EXPECT_TRUE(first.take(key(id)));
    rows.push_back({api::RowDifference::Kind::extra, key(id)});
  }
  keep_first(rows);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].key, "id=4");
  EXPECT_EQ(rows[2].key, "id=30");
  EXPECT_EQ(rows[3].key, "id=200");
}

}  // namespace
}  // namespace tributary::postgres::verify
