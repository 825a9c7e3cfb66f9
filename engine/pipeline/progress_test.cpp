#include "engine/pipeline/progress.h"

#include <gmock/gmock.h>

#include <thread>

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

api::DatabaseProgress only_database(const ProgressBoard& board) {
  const api::Progress progress = board.snapshot();
  EXPECT_EQ(progress.databases.size(), 1U);
  return progress.databases.empty() ? api::DatabaseProgress{} : progress.databases.front();
}

std::vector<std::string> names_of(const std::vector<api::TableProgress>& tables) {
  std::vector<std::string> names;
  for (const api::TableProgress& table : tables) names.push_back(table.name);
  return names;
}

TEST(Progress, says_who_and_what) {
  ProgressBoard board("a-uid");
  board.enter(api::Phase::waiting, "the source does not answer");
  const api::Progress progress = board.snapshot();
  EXPECT_EQ(progress.replication, "a-uid");
  EXPECT_EQ(progress.phase, api::Phase::waiting);
  EXPECT_EQ(progress.message, "the source does not answer");
  EXPECT_THAT(progress.databases, IsEmpty());
}

TEST(Progress, a_phase_without_a_message_clears_the_last_one) {
  ProgressBoard board("");
  board.enter(api::Phase::waiting, "the source does not answer");
  board.enter(api::Phase::copying);
  EXPECT_EQ(board.snapshot().message, "");
  board.say("building index orders_pkey");
  EXPECT_EQ(board.snapshot().message, "building index orders_pkey");
  EXPECT_EQ(board.snapshot().phase, api::Phase::copying);
}

TEST(Progress, is_a_hundred_percent_only_when_all_is_done) {
  ProgressBoard board("");
  TableMeter* meter = board.begin_database("shop", {{"public.orders", 1000}}).front();
  board.add(*meter, 10, 1000);
  EXPECT_EQ(board.snapshot().percent, 99);
  board.done(*meter);
  board.enter(api::Phase::finishing);
  EXPECT_EQ(board.snapshot().percent, 99);
  board.enter(api::Phase::failed, "the last step failed");
  EXPECT_EQ(board.snapshot().percent, 99);
  board.enter(api::Phase::done);
  EXPECT_EQ(board.snapshot().percent, 100);
}

TEST(Progress, of_nothing_to_copy_goes_from_zero_to_a_hundred) {
  ProgressBoard board("");
  EXPECT_EQ(board.snapshot().percent, 0);
  board.begin_database("empty", {});
  EXPECT_EQ(board.snapshot().percent, 0);
  board.enter(api::Phase::done);
  EXPECT_EQ(board.snapshot().percent, 100);
}

TEST(Progress, a_table_larger_than_estimated_counts_for_its_estimate) {
  ProgressBoard board("");
  const auto meters = board.begin_database("shop", {{"a", 100}, {"b", 100}});
  board.add(*meters[0], 10, 5000);
  EXPECT_EQ(board.snapshot().percent, 50);
  EXPECT_EQ(only_database(board).bytes_copied, 5000U);
}

TEST(Progress, a_finished_table_counts_whole_though_its_rows_travelled_in_fewer_bytes) {
  ProgressBoard board("");
  const auto meters = board.begin_database("shop", {{"a", 100}, {"b", 100}});
  board.add(*meters[0], 10, 20);
  EXPECT_EQ(board.snapshot().percent, 10);
  board.done(*meters[0]);
  EXPECT_EQ(board.snapshot().percent, 50);
}

TEST(Progress, sums_up_the_tables_of_each_database) {
  ProgressBoard board("");
  const auto shop = board.begin_database("shop", {{"a", 100}, {"b", 300}});
  const auto stock = board.begin_database("stock", {{"c", 1000}});
  board.add(*shop[0], 1, 10);
  board.add(*shop[1], 2, 20);
  board.done(*shop[0]);
  board.add(*stock[0], 3, 30);
  const api::Progress progress = board.snapshot();
  ASSERT_EQ(progress.databases.size(), 2U);
  EXPECT_EQ(progress.databases[0].name, "shop");
  EXPECT_EQ(progress.databases[0].tables_total, 2U);
  EXPECT_EQ(progress.databases[0].tables_done, 1U);
  EXPECT_EQ(progress.databases[0].rows_copied, 3U);
  EXPECT_EQ(progress.databases[0].bytes_copied, 30U);
  EXPECT_EQ(progress.databases[0].bytes_total, 400U);
  EXPECT_EQ(progress.databases[1].rows_copied, 3U);
}

TEST(Progress, names_the_tables_that_are_being_copied_right_now) {
  ProgressBoard board("");
  const auto meters = board.begin_database("shop", {{"a", 1}, {"b", 1}, {"c", 1}});
  board.started(*meters[1]);
  board.started(*meters[1]);
  board.started(*meters[2]);
  EXPECT_THAT(names_of(only_database(board).active), ElementsAre("b", "c"));
  board.stopped(*meters[1]);
  EXPECT_THAT(names_of(only_database(board).active), ElementsAre("b", "c")) << "another part of b still runs";
  board.stopped(*meters[1]);
  board.done(*meters[2]);
  EXPECT_THAT(only_database(board).active, IsEmpty());
}

TEST(Progress, names_at_most_twenty_tables) {
  ProgressBoard board("");
  std::vector<ProgressBoard::TableSize> tables;
  for (int number = 0; number < 50; ++number) tables.push_back({"t" + std::to_string(number), 1});
  for (TableMeter* meter : board.begin_database("shop", tables)) board.started(*meter);
  EXPECT_EQ(only_database(board).active.size(), 20U);
}

TEST(Progress, a_repeated_attempt_counts_from_zero_and_the_former_one_no_longer_counts) {
  ProgressBoard board("");
  TableMeter* former = board.begin_database("shop", {{"a", 100}}).front();
  board.add(*former, 5, 50);
  TableMeter* now = board.begin_database("shop", {{"a", 100}}).front();
  EXPECT_EQ(only_database(board).rows_copied, 0U);
  board.add(*former, 7, 70);
  board.started(*former);
  board.add(*now, 1, 10);
  EXPECT_EQ(only_database(board).rows_copied, 1U);
  EXPECT_THAT(only_database(board).active, IsEmpty());
}

TEST(Progress, everything_that_happens_is_a_movement) {
  ProgressBoard board("");
  SteadyTime last = board.last_movement();
  TableMeter* meter = nullptr;
  const std::vector<std::function<void()>> happenings{
      [&] { board.enter(api::Phase::copying); },
      [&] { board.say("copying"); },
      [&] {
        meter = board.begin_database("shop", {{"a", 1}}).front();
      },
      [&] { board.started(*meter); },
      [&] { board.add(*meter, 1, 1); },
      [&] { board.stopped(*meter); },
      [&] { board.done(*meter); },
      [&] { board.moved(); },
  };
  for (std::size_t number = 0; number < happenings.size(); ++number) {
    while (SteadyClock::now() == last) std::this_thread::yield();
    happenings[number]();
    EXPECT_GT(board.last_movement(), last) << "happening " << number;
    last = board.last_movement();
  }
}

TEST(Progress, looking_at_it_moves_nothing) {
  ProgressBoard board("");
  // Right before a new second, so that any later time shows.
  const auto fraction = [] { return std::chrono::system_clock::now().time_since_epoch() % std::chrono::seconds(1); };
  while (fraction() < std::chrono::milliseconds(999)) std::this_thread::yield();
  board.moved();
  const std::string updated = board.snapshot().updated;
  const SteadyTime last = board.last_movement();
  const auto later = std::chrono::system_clock::now() + std::chrono::milliseconds(20);
  while (std::chrono::system_clock::now() < later) ASSERT_EQ(board.snapshot().updated, updated);
  EXPECT_EQ(board.last_movement(), last);
}

TEST(Progress, counters_never_go_back_while_many_threads_add_to_them) {
  constexpr int threads = 4;
  constexpr std::uint64_t steps = 20'000;
  ProgressBoard board("");
  const auto meters = board.begin_database("shop", {{"a", 1'000'000}, {"b", 1'000'000}});
  {
    std::vector<std::jthread> workers;
    for (int number = 0; number < threads; ++number) {
      workers.emplace_back([&, number] {
        for (std::uint64_t step = 0; step < steps; ++step)
          board.add(*meters[static_cast<std::size_t>(number % 2)], 1, 10);
      });
    }
    api::DatabaseProgress last;
    int percent = 0;
    while (last.rows_copied < threads * steps) {
      const api::Progress progress = board.snapshot();
      const api::DatabaseProgress& now = progress.databases.front();
      ASSERT_GE(now.rows_copied, last.rows_copied);
      ASSERT_GE(now.bytes_copied, last.bytes_copied);
      ASSERT_GE(progress.percent, percent);
      percent = progress.percent;
      last = now;
    }
  }
  EXPECT_EQ(only_database(board).rows_copied, threads * steps);
  EXPECT_EQ(only_database(board).bytes_copied, threads * steps * 10);
}

TEST(Progress, a_request_is_summed_up_when_every_database_has_said_what_it_knows_of_it) {
  ProgressBoard board("");
  StreamMeter& shop = board.stream_of("shop");
  StreamMeter& billing = board.stream_of("billing");
  shop.stands({.request = RequestStanding{.request_id = "again",
                                          .tables = 3,
                                          .waiting = 1,
                                          .stopped = 1,
                                          .reasons = {"public.t: no such column"},
                                          .unknown = {"billing.public.b", "shop.public.typo"}}},
              {});
  EXPECT_FALSE(board.snapshot().request);
  billing.stands(
      {.request =
           RequestStanding{.request_id = "again", .tables = 1, .unknown = {"shop.public.a", "shop.public.typo"}}},
      {});
  const std::optional<api::RecopyRequest> request = board.snapshot().request;
  ASSERT_TRUE(request);
  EXPECT_EQ(request->request_id, "again");
  EXPECT_EQ(request->tables, 4U);
  EXPECT_EQ(request->copied, 2U);
  EXPECT_EQ(request->stopped, 1U);
  EXPECT_THAT(request->failures,
              ElementsAre("shop.public.t: no such column", "'shop.public.typo' is no table of this replication"));
}

TEST(Progress, there_is_no_request_where_none_was_made) {
  ProgressBoard board("");
  board.stream_of("shop").stands({}, {});
  EXPECT_FALSE(board.snapshot().request);
}

}  // namespace
}  // namespace tributary::pipeline
