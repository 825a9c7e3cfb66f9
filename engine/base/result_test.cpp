#include "engine/base/result.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

Result<int> parse(bool good) {
  if (!good) return Error{Fault::invalid, "port is not a number", "give a number between 1 and 65535"};
  return 5432;
}

Result<int> next_port(bool good) {
  return TRY(parse(good)) + 1;
}

Result<void> check(bool good) {
  TRY(parse(good));
  return {};
}

TEST(Result, try_gives_the_value_of_a_success) {
  EXPECT_EQ(next_port(true).value(), 5433);
}

TEST(Result, try_passes_a_failure_on_unchanged) {
  const Result<int> result = next_port(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::invalid);
  EXPECT_EQ(describe(result.error()), "port is not a number (hint: give a number between 1 and 65535)");
}

TEST(Result, void_results_carry_only_failure) {
  EXPECT_TRUE(check(true));
  EXPECT_FALSE(check(false));
}

TEST(Result, within_names_the_place_and_keeps_fault_and_hint) {
  const Error error = within("source", parse(false).error());
  EXPECT_EQ(error.what, "source: port is not a number");
  EXPECT_EQ(error.hint, "give a number between 1 and 65535");
}

}  // namespace
}  // namespace tributary
