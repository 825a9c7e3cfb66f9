#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "engine/base/clock.h"

namespace tributary::v1alpha1 {

// Times in UTC, to the minute, as a crontab writes them:
//
//   schedule = "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly"
//            | minute hour day-of-month month day-of-week      separated by blanks
//   field    = item { "," item }
//   item     = ( "*" | "?" | value [ "-" value ] ) [ "/" step ]     a value with a step goes on to the field's end
//   value    = number | "JAN" ... "DEC" | "SUN" ... "SAT"           in any case of letters; Sunday is 0 and 7
//
// Where neither day-of-month nor day-of-week begins with "*" or "?", a day is meant that either of the two names;
// otherwise both have to.
class Schedule {
 public:
  // The first minute later than `time`.
  WallTime next(WallTime time) const;

 private:
  friend std::optional<Schedule> parse_schedule(std::string_view text);

  // Nothing where no day is meant before `last`.
  std::optional<WallTime> next_before(WallTime time, WallTime last) const;
  bool means(std::chrono::sys_days day) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // Sunday is 0
  bool any_day_ = false;
  bool any_weekday_ = false;
};

// Nothing for any other text, and for one that means no day at all, such as February 30.
std::optional<Schedule> parse_schedule(std::string_view text);

}  // namespace tributary::v1alpha1
