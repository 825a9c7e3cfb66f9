#include "engine/model/name.h"

#include <gtest/gtest.h>

namespace tributary::model {
namespace {

TEST(Name, plain_names_are_shown_as_they_are) {
  EXPECT_EQ(display({"public", "orders_2"}), "public.orders_2");
}

TEST(Name, other_names_are_shown_in_quotes) {
  EXPECT_EQ(display({"Sales", "t-1"}), "\"Sales\".\"t-1\"");
  EXPECT_EQ(display({"public", "a\"b"}), "public.\"a\"\"b\"");
  EXPECT_EQ(display({"public", "1st"}), "public.\"1st\"");
}

}  // namespace
}  // namespace tributary::model
