#include "operator/kube/event_series.h"

#include <gtest/gtest.h>

#include "operator/kube/event.h"

namespace tributary::kube {
namespace {

const WallTime noon = WallTime(Seconds(1'800'000'000));

Object told(const std::string& name, const std::string& note, const std::string& suffix, int version = 7) {
  const Object regarding(Json{{"apiVersion", "example.dev/v1"},
                              {"kind", "Thing"},
                              {"metadata",
                               {{"name", name},
                                {"namespace", "shop"},
                                {"uid", "uid-of-" + name},
                                {"resourceVersion", std::to_string(version)}}}});
  return event_object(regarding, {EventKind::warning, "CopyFailed", "Copy", note}, "operator", "pod-1", noon, suffix);
}

std::int64_t count_of(const EventWrite& write) {
  return integer_at(write.event.json(), {"series", "count"});
}

TEST(EventSeries, bytes_that_are_no_text_are_counted_like_any) {
  EventSeries series;
  ASSERT_TRUE(series.note(told("one", "caf\xe9", "a"), noon));
  const auto second = series.note(told("one", "caf\xe9", "b"), noon);
  ASSERT_TRUE(second);
  EXPECT_EQ(text_at(second->event.json(), {"note"}), "caf\xef\xbf\xbd");
}

TEST(EventSeries, the_second_time_makes_a_series_of_the_first_event) {
  EventSeries series;
  const auto first = series.note(told("one", "full", "a"), noon);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->repeats);
  EXPECT_TRUE(at(first->event.json(), {"series"}).is_null());
  const auto second = series.note(told("one", "full", "b", 8), noon + Seconds(5));
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->repeats);
  EXPECT_EQ(second->event.name(), first->event.name());
  EXPECT_EQ(series_patch(second->event).dump(),
            R"({"series":{"count":2,"lastObservedTime":"2027-01-15T08:00:05.000000Z"}})");
}

TEST(EventSeries, other_words_and_another_object_are_another_event) {
  EventSeries series;
  series.note(told("one", "full", "a"), noon);
  EXPECT_FALSE(series.note(told("one", "gone", "b"), noon)->repeats);
  EXPECT_FALSE(series.note(told("two", "full", "c"), noon)->repeats);
}

TEST(EventSeries, further_ones_are_counted_and_written_each_half_an_hour) {
  EventSeries series;
  series.note(told("one", "full", "a"), noon);
  series.note(told("one", "full", "b"), noon);
  std::size_t writes = 0;
  for (int minute = 1; minute < 30; ++minute) {
    EXPECT_FALSE(series.note(told("one", "full", "c"), noon + Seconds(60 * minute)));
    writes += series.due(noon + Seconds(60 * minute)).size();
  }
  EXPECT_EQ(writes, 0U);
  const std::vector<EventWrite> due = series.due(noon + Seconds(1800));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(count_of(due[0]), 31);
  EXPECT_TRUE(series.due(noon + Seconds(1801)).empty());
}

TEST(EventSeries, one_that_is_not_told_for_six_minutes_ends_with_what_was_counted) {
  EventSeries series;
  for (int i = 0; i < 4; ++i) series.note(told("one", "full", "a"), noon);
  EXPECT_TRUE(series.due(noon + Seconds(359)).empty());
  const std::vector<EventWrite> due = series.due(noon + Seconds(360));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(count_of(due[0]), 4);
  EXPECT_EQ(series.size(), 0U);
  EXPECT_FALSE(series.note(told("one", "full", "b"), noon + Seconds(361))->repeats);
}

TEST(EventSeries, what_was_counted_and_not_written_is_the_rest) {
  EventSeries series;
  series.note(told("one", "full", "a"), noon);
  for (int i = 0; i < 3; ++i) series.note(told("two", "full", "b"), noon);
  const std::vector<EventWrite> rest = series.rest();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(count_of(rest[0]), 3);
  EXPECT_TRUE(series.rest().empty());
}

TEST(EventSeries, its_memory_has_an_end_and_the_oldest_goes_first) {
  EventSeries series;
  for (int i = 0; i <= 1000; ++i) series.note(told("n" + std::to_string(i), "full", "a"), noon + Seconds(i) / 10);
  EXPECT_EQ(series.size(), 1000U);
  EXPECT_FALSE(series.note(told("n0", "full", "b"), noon + Seconds(100))->repeats);
  EXPECT_TRUE(series.note(told("n1000", "full", "b"), noon + Seconds(100))->repeats);
}

}  // namespace
}  // namespace tributary::kube
