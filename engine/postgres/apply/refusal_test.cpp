#include "engine/postgres/apply/refusal.h"

#include <gtest/gtest.h>

namespace tributary::postgres::apply {
namespace {

TEST(IsAboutTable, is_what_no_retry_mends) {
  for (const char* state : {"23505", "23514", "22P02", "42703", "42P01", "428C9", "0A000", "54000", "P0001", "44000"})
    EXPECT_TRUE(is_about_table(state)) << state;
  for (const char* state :
       {"", "08006", "57P01", "57014", "53100", "40P01", "40001", "55P03", "42501", "25006", "58030", "XX000", "26000"})
    EXPECT_FALSE(is_about_table(state)) << state;
}

TEST(Refusal, names_the_change_the_cause_and_the_constraint_once) {
  EXPECT_EQ(refusal("an insert", {Fault::failed, "duplicate key value violates unique constraint \"t_pkey\" [23505]"},
                    "23505", {"t", "", "t_pkey", "", ""}),
            "an insert met a row with the same key on the target (constraint t_pkey)");
  EXPECT_EQ(refusal("an insert", {Fault::failed, "null value in column \"a\" of relation \"t\" [23502]"}, "23502",
                    {"t", "a", "", "", ""}),
            "an insert was refused by the target: null value in column \"a\" of relation \"t\" [23502]");
  EXPECT_EQ(
      refusal("an update", {Fault::failed, "a value is not valid [22000]"}, "22000", {"t", "amount", "c", "", ""}),
      "an update was refused by the target: a value is not valid [22000], column amount (constraint c)");
  EXPECT_NE(refusal("an insert", {Fault::failed, "function g(integer) does not exist [42883]"}, "42883", {})
                .find("search_path"),
            std::string::npos);
  EXPECT_EQ(refusal("a delete", {Fault::differs, "2 rows were touched instead of 1"}, "", {}),
            "a delete did not meet exactly one row on the target: 2 rows were touched instead of 1");
}

TEST(ARightThatIsLacking, is_named_with_what_gives_it) {
  const model::Name table{"public", "Or\"ders"};
  EXPECT_EQ(right_to_give(table, "the writer", "42501", "permission denied for table orders"),
            "GRANT USAGE ON SCHEMA \"public\" TO \"the writer\"; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON"
            " \"public\".\"Or\"\"ders\" TO \"the writer\"; on the target, then sync again");
  EXPECT_EQ(right_to_give(table, "w", "42501", "query would be affected by row-level security policy for table"),
            "ALTER ROLE \"w\" BYPASSRLS on the target, or let that role own the table; then sync again");
  EXPECT_EQ(right_to_give(table, "w", "23505", "a key is there"), "");
}

}  // namespace
}  // namespace tributary::postgres::apply
