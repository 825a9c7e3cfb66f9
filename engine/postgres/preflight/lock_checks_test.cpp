#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/preflight/preflight_checks.h"
#include "engine/postgres/testing/preflight_example.h"

// Room in the tables of locks of both servers.
namespace tributary::postgres {
namespace {

using api::Severity;
using ::testing::HasSubstr;

// {64, 146} is room for 9344 objects.
TEST(LocksOnTheSource, are_counted_twice_for_a_selected_table_and_once_for_any_other) {
  const auto finding = [](std::uint64_t dumped) {
    Facts facts = good();
    pair(facts).source.dumped = dumped;  // and two are selected
    const std::vector<std::string> errors = codes(facts, Severity::error);
    const std::vector<std::string> warnings = codes(facts, Severity::warning);
    return (errors.empty() ? "" : errors[0]) + (warnings.empty() ? "" : " " + warnings[0]);
  };
  EXPECT_EQ(finding(9342), "");
  EXPECT_EQ(finding(9343), " LockTableCrowded");
  EXPECT_EQ(finding(21554), " LockTableCrowded");
  EXPECT_EQ(finding(21555), "LockTableTooSmall");
}

TEST(LocksOnTheSource, are_told_with_the_setting_that_is_enough_for_them) {
  Facts facts = good();
  pair(facts).source.dumped = 30000;
  EXPECT_EQ(text(facts, "LockTableTooSmall"),
            "source: 30002 locks are held at once while the schema of database app is read: the copy's on every "
            "selected table, and pg_dump's on every table and sequence; max_locks_per_transaction = 64 makes room for "
            "about 18688; set max_locks_per_transaction = 206 or more and restart the server");
  facts.source.locks.per_transaction = 206;
  EXPECT_EQ(text(facts, "LockTableCrowded"), "no LockTableCrowded");
}

TEST(LocksOnTheTarget, are_as_many_as_its_largest_table_has_partitions_and_streams_to_fill_them) {
  Facts facts = good();
  facts.options.parallelism = 3;
  pair(facts).source.tables.clear();
  for (int number = 0; number < 1837; ++number) {
    pair(facts).source.tables.push_back(good_table("p" + std::to_string(number)));
    pair(facts).source.tables.back().partition_of = {{"public", "part"}, {"public", "events"}};
  }
  EXPECT_EQ(text(facts, "LockTableCrowded").find("target: 9348 locks"), 0U) << text(facts, "LockTableCrowded");
  EXPECT_THAT(text(facts, "LockTableCrowded"), HasSubstr("public.events is filled, which has 1837 partitions"));
  facts.target.locks.per_transaction = 65;
  EXPECT_EQ(text(facts, "LockTableCrowded"), "no LockTableCrowded");
}

}  // namespace
}  // namespace tributary::postgres
