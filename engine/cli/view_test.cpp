#include "engine/cli/view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

using Lines = std::vector<std::string>;

api::Progress copying() {
  api::Progress progress;
  progress.phase = api::Phase::copying;
  progress.percent = 42;
  progress.databases = {
      {.name = "app",
       .tables_total = 9,
       .tables_done = 3,
       .rows_copied = 1'234,
       .bytes_copied = 1'260'000,
       .bytes_total = 3'000'000,
       .active = {{.name = "public.orders", .rows = 1'000, .bytes = 1'000'000, .bytes_total = 2'000'000, .done = false},
                  {.name = "public.log", .rows = 234, .bytes = 260'000, .bytes_total = 0, .done = false}}}};
  return progress;
}

// What `progress` looks like after copying for ten seconds.
Speeds measured(const api::Progress& progress) {
  Speeds speeds;
  api::Progress before = progress;
  for (api::DatabaseProgress& database : before.databases) {
    database.bytes_copied = 0;
    for (api::TableProgress& table : database.active) table.bytes = 0;
  }
  speeds.observe(SteadyTime{}, before);
  speeds.observe(SteadyTime{} + Seconds(10), progress);
  return speeds;
}

TEST(View, shows_the_whole_and_each_table_with_speed_and_time_left) {
  EXPECT_EQ(view(copying(), measured(copying()), {.width = 120, .height = 24}),
            (Lines{"Copying 42%, 3 of 9 tables, 1,234 rows, 1.3 MB of 3.0 MB, 126 kB/s, 14s left",
                   "  app.public.orders  [##########----------]  50%          1,000 rows   100 kB/s  11s left",
                   "  app.public.log     [--------------------]   0%            234 rows    26 kB/s  "}));
}

TEST(View, of_a_comparison_is_that_of_a_copy) {
  api::Progress progress = copying();
  progress.phase = api::Phase::comparing;
  EXPECT_EQ(view(progress, measured(progress), {.width = 120, .height = 24})[0],
            "Comparing 42%, 3 of 9 tables, 1,234 rows, 1.3 MB of 3.0 MB, 126 kB/s, 14s left");
}

TEST(View, without_speed_yet_promises_nothing) {
  const Lines lines = view(copying(), Speeds(), {.width = 120, .height = 24});
  EXPECT_EQ(lines[0], "Copying 42%, 3 of 9 tables, 1,234 rows, 1.3 MB of 3.0 MB");
}

TEST(View, shows_what_is_retried) {
  api::Progress progress;
  progress.phase = api::Phase::waiting;
  progress.message = "server db:5432 refused\x1b[2J the connection";
  EXPECT_EQ(view(progress, Speeds(), {}), (Lines{"Waiting", "  server db:5432 refused?[2J the connection"}));
}

TEST(View, an_estimate_that_was_too_small_never_shows_more_than_there_is) {
  api::Progress progress = copying();
  progress.databases[0].active[0].bytes = 5'000'000;
  progress.databases[0].bytes_copied = 5'000'000;
  const Lines lines = view(progress, measured(progress), {.width = 120, .height = 24});
  EXPECT_NE(lines[0].find("5.0 MB of 5.0 MB"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find(" 99%"), std::string::npos) << lines[1];
}

TEST(View, fits_every_screen) {
  api::Progress progress = copying();
  for (int i = 0; i < 18; ++i) progress.databases[0].active.push_back({.name = "t" + std::string(100, 'x')});
  progress.message = std::string(300, 'm');
  for (std::size_t width : {1u, 2u, 10u, 79u, 200u}) {
    for (std::size_t height : {1u, 3u, 5u, 24u}) {
      const Lines lines = view(progress, measured(progress), {width, height});
      EXPECT_LE(lines.size(), std::max<std::size_t>(height, 2));
      for (const std::string& line : lines) EXPECT_LT(display_width(line), std::max<std::size_t>(width, 2)) << line;
    }
  }
  EXPECT_EQ(view(progress, Speeds(), {.width = 80, .height = 8}).back(), "  and 17 more");
}

TEST(Speed, forgets_what_is_older_than_ten_seconds_and_begins_anew_with_a_retry) {
  Speed speed;
  EXPECT_EQ(speed.bytes_per_second(), 0);
  for (int second = 0; second <= 60; ++second)
    speed.observe(SteadyTime{} + Seconds(second), static_cast<std::uint64_t>(second < 30 ? 0 : (second - 30) * 1'000));
  EXPECT_EQ(speed.bytes_per_second(), 1'000);
  speed.observe(SteadyTime{} + Seconds(61), 5);
  EXPECT_EQ(speed.bytes_per_second(), 0);
  speed.observe(SteadyTime{} + Seconds(62), 105);
  EXPECT_EQ(speed.bytes_per_second(), 100);
}

TEST(Eta, is_said_only_where_something_is_known) {
  EXPECT_EQ(eta_text(50, 100, 10), "6s");
  EXPECT_EQ(eta_text(50, 100, 0), "");
  EXPECT_EQ(eta_text(100, 100, 10), "");
  EXPECT_EQ(eta_text(0, 1'000'000'000'000'000, 1), "");
}

}  // namespace
}  // namespace tributary::cli
