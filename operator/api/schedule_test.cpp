#include "operator/api/schedule.h"

#include <gtest/gtest.h>

#include <string>

namespace tributary::v1alpha1 {
namespace {

// The first times of a schedule after one, by commas.
std::string times(const char* schedule, const char* after, int count = 1) {
  const std::optional<Schedule> parsed = parse_schedule(schedule);
  if (!parsed) return "no schedule";
  WallTime time = *parse_rfc3339(after);
  std::string text;
  for (int number = 0; number < count; ++number) {
    time = parsed->next(time);
    text += (number == 0 ? "" : ",") + rfc3339(time);
  }
  return text;
}

TEST(Schedule, comes_next_when_its_fields_say) {
  struct Case {
    const char* schedule;
    const char* after;
    const char* next;
  };
  const Case cases[] = {
      {"* * * * *", "2026-11-23T02:31:00Z", "2026-11-23T02:32:00Z"},
      {"* * * * *", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
      {"30 2 * * *", "2026-11-23T02:29:59Z", "2026-11-23T02:30:00Z"},
      {"30 2 * * *", "2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z"},
      {"*/15 * * * *", "2026-11-23T02:31:00Z", "2026-11-23T02:45:00Z"},
      {"5/20 * * * *", "2026-11-23T02:31:00Z", "2026-11-23T02:45:00Z"},
      {"5/20 * * * *", "2026-11-23T02:45:00Z", "2026-11-23T03:05:00Z"},
      {"10-30/10 4 * * *", "2026-11-23T04:20:00Z", "2026-11-23T04:30:00Z"},
      {"0 9-17 * * 1-5", "2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z"},
      {"0,45 1,3 * * *", "2026-11-23T01:45:00Z", "2026-11-23T03:00:00Z"},
      {"0 0 1 * *", "2026-11-23T00:00:00Z", "2026-12-01T00:00:00Z"},
      {"0 0 31 * *", "2026-11-23T00:00:00Z", "2026-12-31T00:00:00Z"},
      {"0 0 29 2 *", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"},
      {"0 0 29 2 *", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z"},
      {"0 0 29 feb ?", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"},
      {"0 12 * JAN,jul sun", "2026-11-23T00:00:00Z", "2027-01-03T12:00:00Z"},
      {"0 0 * * 7", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"},
      {"0 0 * * 0", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"},
      {"0 0 * * 5-7", "2026-11-28T12:00:00Z", "2026-11-29T00:00:00Z"},
      {"@hourly", "2026-11-23T02:31:00Z", "2026-11-23T03:00:00Z"},
      {"@daily", "2026-11-23T02:31:00Z", "2026-11-24T00:00:00Z"},
      {"@midnight", "2026-11-23T02:31:00Z", "2026-11-24T00:00:00Z"},
      {"@weekly", "2026-11-23T02:31:00Z", "2026-11-29T00:00:00Z"},
      {"@monthly", "2026-11-23T02:31:00Z", "2026-12-01T00:00:00Z"},
      {"@yearly", "2026-11-23T02:31:00Z", "2027-01-01T00:00:00Z"},
      {"@annually", "2026-11-23T02:31:00Z", "2027-01-01T00:00:00Z"},
      {"  30\t2  * * * ", "2026-11-23T02:31:00Z", "2026-11-24T02:30:00Z"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(times(one.schedule, one.after), one.next) << one.schedule << " after " << one.after;
  }
}

TEST(Schedule, a_day_of_the_month_and_one_of_the_week_mean_either) {
  EXPECT_EQ(times("0 0 25 * mon", "2026-11-23T00:00:00Z", 3),
            "2026-11-25T00:00:00Z,2026-11-30T00:00:00Z,2026-12-07T00:00:00Z");
}

TEST(Schedule, with_a_star_before_either_both_must_hold) {
  EXPECT_EQ(times("0 0 */2 * mon", "2026-11-01T00:00:00Z", 3),
            "2026-11-09T00:00:00Z,2026-11-23T00:00:00Z,2026-12-07T00:00:00Z");
}

TEST(Schedule, goes_on_from_time_to_time) {
  EXPECT_EQ(times("0 */8 * * *", "2026-11-23T07:00:00Z", 4),
            "2026-11-23T08:00:00Z,2026-11-23T16:00:00Z,2026-11-24T00:00:00Z,2026-11-24T08:00:00Z");
}

TEST(Schedule, any_other_text_is_none) {
  for (const char* text : {"",
                           "daily",
                           "@every 1h",
                           "@Daily",
                           "* * * *",
                           "* * * * * *",
                           "60 * * * *",
                           "* 24 * * *",
                           "* * 0 * *",
                           "* * 32 * *",
                           "* * * 0 *",
                           "* * * 13 *",
                           "* * * * 8",
                           "-1 * * * *",
                           "*/0 * * * *",
                           "*/ * * * *",
                           "5- * * * *",
                           "-5 * * * *",
                           "5-4 * * * *",
                           "1,,2 * * * *",
                           ",1 * * * *",
                           "1, * * * *",
                           "1/2/3 * * * *",
                           "1-2-3 * * * *",
                           "** * * * *",
                           "1.5 * * * *",
                           "JAN * * * *",
                           "* * * MON *",
                           "* * * * MONDAY",
                           "TZ=UTC * * * * *",
                           "1000 * * * *",
                           "+1 * * * *",
                           "* * L * *",
                           "\n* * * * *"}) {
    EXPECT_FALSE(parse_schedule(text)) << text;
  }
}

TEST(Schedule, one_that_never_comes_is_none) {
  EXPECT_FALSE(parse_schedule("0 0 30 2 *"));
  EXPECT_FALSE(parse_schedule("0 0 31 4,6,9,11 *"));
  EXPECT_TRUE(parse_schedule("0 0 30 2 mon")) << "its Mondays come";
}

}  // namespace
}  // namespace tributary::v1alpha1
