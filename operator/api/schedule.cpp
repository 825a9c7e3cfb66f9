#include "operator/api/schedule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace tributary::v1alpha1 {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

// A February 29 that has to be a certain weekday comes every 28 years, or 40 where a century has none.
constexpr days longest_wait{41 * 366};

using Names = std::vector<std::string_view>;  // the first stands for the field's lowest value

struct Field {
  int lowest = 0;
  int highest = 0;
  Names names = {};
};

const std::array<Field, 5>& fields() {
  static const std::array<Field, 5> all = {
      {{0, 59},
       {0, 23},
       {1, 31},
       {1, 12, {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
       {0, 7, {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}}};
  return all;
}

std::string_view expanded(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> shorthands = {{{"@yearly", "0 0 1 1 *"},
                                                                                        {"@annually", "0 0 1 1 *"},
                                                                                        {"@monthly", "0 0 1 * *"},
                                                                                        {"@weekly", "0 0 * * 0"},
                                                                                        {"@daily", "0 0 * * *"},
                                                                                        {"@midnight", "0 0 * * *"},
                                                                                        {"@hourly", "0 * * * *"}}};
  for (const auto& [shorthand, meaning] : shorthands) {
    if (text == shorthand) return meaning;
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const bool digits = !text.empty() && text.size() <= 3 &&
                      std::all_of(text.begin(), text.end(), [](char letter) { return letter >= '0' && letter <= '9'; });
  if (!digits) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<int> value_of(std::string_view text, const Field& field) {
  std::string upper(text);
  for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  const auto named = std::find(field.names.begin(), field.names.end(), upper);
  if (named != field.names.end()) return field.lowest + static_cast<int>(named - field.names.begin());
  const std::optional<int> value = number(text);
  return value && *value >= field.lowest && *value <= field.highest ? value : std::nullopt;
}

bool is_any(std::string_view field) {
  return field.starts_with('*') || field.starts_with('?');
}

struct Range {
  int first = 0;
  int last = 0;
  int step = 1;
};

std::optional<Range> parse_item(std::string_view item, const Field& field) {
  Range range{field.lowest, field.highest};
  const std::vector<std::string_view> stepped = split(item, "/");
  if (stepped.size() > 2) return std::nullopt;
  if (stepped.size() == 2) {
    const std::optional<int> step = number(stepped[1]);
    if (!step || *step == 0) return std::nullopt;
    range.step = *step;
  }
  if (stepped[0] == "*" || stepped[0] == "?") return range;
  const std::vector<std::string_view> ends = split(stepped[0], "-");
  const std::optional<int> first = value_of(ends[0], field);
  if (!first || ends.size() > 2) return std::nullopt;
  range.first = *first;
  if (ends.size() == 1 && stepped.size() == 1) range.last = *first;
  if (ends.size() == 2) {
    const std::optional<int> last = value_of(ends[1], field);
    if (!last || *last < *first) return std::nullopt;
    range.last = *last;
  }
  return range;
}

template <std::size_t N>
bool parse_field(std::string_view text, const Field& field, std::bitset<N>& values) {
  for (const std::string_view item : split(text, ",")) {
    const std::optional<Range> range = parse_item(item, field);
    if (!range) return false;
    for (int value = range->first; value <= range->last; value += range->step) {
      values.set(static_cast<std::size_t>(value));
    }
  }
  return true;
}

}  // namespace

bool Schedule::means(sys_days day) const {
  const std::chrono::year_month_day date(day);
  if (!months_.test(unsigned{date.month()})) return false;
  const bool by_day = days_.test(unsigned{date.day()});
  const bool by_weekday = weekdays_.test(std::chrono::weekday(day).c_encoding());
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<WallTime> Schedule::next_before(WallTime time, WallTime last) const {
  const auto first = std::chrono::floor<minutes>(time) + minutes(1);
  for (sys_days day = std::chrono::floor<days>(first); day < last; day += days(1)) {
    if (!means(day)) continue;
    for (auto minute = std::max<std::chrono::sys_time<minutes>>(first, day); minute < day + days(1);
         minute += minutes(1)) {
      const std::chrono::hh_mm_ss clock(minute - day);
      if (hours_.test(static_cast<std::size_t>(clock.hours().count())) &&
          minutes_.test(static_cast<std::size_t>(clock.minutes().count()))) {
        return minute;
      }
    }
  }
  return std::nullopt;
}

WallTime Schedule::next(WallTime time) const {
  return next_before(time, time + longest_wait).value_or(WallTime::max());
}

std::optional<Schedule> parse_schedule(std::string_view text) {
  std::vector<std::string_view> parts = split(expanded(text), " \t");
  std::erase(parts, std::string_view());
  if (parts.size() != fields().size()) return std::nullopt;
  Schedule schedule;
  const bool sound =
      parse_field(parts[0], fields()[0], schedule.minutes_) && parse_field(parts[1], fields()[1], schedule.hours_) &&
      parse_field(parts[2], fields()[2], schedule.days_) && parse_field(parts[3], fields()[3], schedule.months_) &&
      parse_field(parts[4], fields()[4], schedule.weekdays_);
  if (!sound) return std::nullopt;
  if (schedule.weekdays_.test(7)) schedule.weekdays_.set(0);
  schedule.any_day_ = is_any(parts[2]);
  schedule.any_weekday_ = is_any(parts[4]);
  const WallTime some_day{};
  if (!schedule.next_before(some_day, some_day + longest_wait)) return std::nullopt;
  return schedule;
}

}  // namespace tributary::v1alpha1
