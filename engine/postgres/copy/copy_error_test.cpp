#include "engine/postgres/copy/copy_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/client/condition.h"

namespace tributary::postgres {
namespace {

model::Table table() {
  model::Table made;
  made.name = {"public", "orders"};
  for (const char* name : {"id", "total", "total: \"x"}) made.columns.push_back({name, "text"});
  return made;
}

Error refused(const std::string& sqlstate, const std::string& context, const std::string& column = "",
              const std::string& constraint = "") {
  return copy_error(table(), sqlstate, {"orders", column, constraint, "", context},
                    {Fault::failed, "refused [" + sqlstate + "]", "check your datestyle"});
}

TEST(ACopyThatIsRefused, names_row_and_column_and_is_not_tried_again) {
  const Error error = refused("22P02", "COPY orders, line 17, column total: \"secret\"");
  EXPECT_EQ(error.fault, Fault::invalid);
  EXPECT_EQ(error.what, "refused [22P02], row 17, column total");
  EXPECT_THAT(error.hint, ::testing::Not(::testing::HasSubstr("datestyle")));
}

TEST(ACopyThatIsRefused, believes_no_column_that_the_table_lacks) {
  EXPECT_EQ(refused("22P02", "COPY orders, line 17, column secret: \"x\"").what, "refused [22P02], row 17");
  EXPECT_EQ(refused("22P02", "COPY orders, line 3, column total: \"x: \"y\"").what,
            "refused [22P02], row 3, column total: \"x");
  EXPECT_EQ(refused("23514", "COPY orders, line 3: \"secret\", column id", "", "positive").what,
            "refused [23514], row 3, constraint positive");
  EXPECT_EQ(refused("22P02", "COPY others, line 3").what, "refused [22P02]");
}

TEST(ACopyThatIsRefused, tells_a_name_that_a_constraint_does_not_find_from_a_table_that_is_not_there) {
  const auto about_function = ::testing::HasSubstr("search_path");
  EXPECT_THAT(refused("42883", "SQL function \"f\" during inlining\nCOPY orders, line 1").hint, about_function);
  EXPECT_THAT(refused("42P01", "COPY orders, line 1").hint, about_function);
  EXPECT_THAT(refused("42P01", "").hint, ::testing::Not(about_function));
}

TEST(ACopyThatIsRefused, tells_a_check_from_the_bounds_of_a_partition) {
  EXPECT_THAT(refused("23514", "", "", "positive").hint, ::testing::HasSubstr("NOT VALID"));
  EXPECT_THAT(refused("23514", "").hint, ::testing::HasSubstr("another partition"));
}

TEST(ACopyThatIsRefused, for_a_trigger_or_another_shape_is_not_tried_again) {
  for (const char* state : {"P0001", "MY001", "42703", "42809", "23514", "22021", "0A000", "54000"})
    EXPECT_EQ(refused(state, "").fault, Fault::invalid) << state;
}

TEST(ACopyThatIsRefused, by_circumstances_stays_what_it_is) {
  for (const char* state : {"53100", "57P01", "40001", "55P03", "08006", "XX000", "25006", ""})
    EXPECT_EQ(refused(state, "COPY orders, line 3").what, "refused [" + std::string(state) + "]");
}

TEST(AServersWords, are_withheld_where_they_may_hold_values_of_rows) {
  for (const char* state : {"22P02", "22001", "P0001", "MY001", "HV000", "2203F"})
    EXPECT_TRUE(condition_of(state)) << state;
  for (const char* state : {"42P01", "23505", "53100", "28P01", "XX000", "0A000"})
    EXPECT_FALSE(condition_of(state)) << state;
}

}  // namespace
}  // namespace tributary::postgres
