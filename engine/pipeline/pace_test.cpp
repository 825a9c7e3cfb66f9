#include "engine/pipeline/pace.h"

#include <gtest/gtest.h>

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;
using Commit = Pace::Commit;

void add(model::Batch& batch, Kind kind, std::uint64_t end = 0) {
  model::Event event;
  event.kind = kind;
  event.end = model::Lsn{end};
  batch.add(event);
}

class APace : public ::testing::Test {
 protected:
  void take(std::initializer_list<std::pair<Kind, std::uint64_t>> events) {
    model::Batch batch;
    for (const auto& [kind, end] : events) add(batch, kind, end);
    pace.took(batch, now);
  }
  void take_transaction(std::uint64_t end) { take({{Kind::begin, 0}, {Kind::commit, end}}); }
  void pass(Milliseconds span) { now += span; }

  SteadyTime now{Seconds{1000}};
  Pace::Limits limits;
  Pace pace{limits, model::Lsn{100}, now};
};

TEST_F(APace, gives_a_transaction_a_brief_time_for_others_to_join) {
  take_transaction(110);
  EXPECT_EQ(pace.due(now), Commit::none);
  EXPECT_EQ(pace.patience(now), limits.longest_group);
  pass(limits.longest_group);
  EXPECT_EQ(pace.due(now), Commit::fast);
}

TEST_F(APace, commits_at_once_when_the_stream_has_no_more) {
  take_transaction(110);
  take({});
  EXPECT_EQ(pace.due(now), Commit::fast);
}

TEST_F(APace, commits_a_full_group) {
  for (std::size_t one = 1; one < limits.group_transactions; ++one) take_transaction(100 + one);
  EXPECT_EQ(pace.due(now), Commit::none);
  take_transaction(500);
  EXPECT_EQ(pace.due(now), Commit::fast);
}

TEST_F(APace, never_commits_inside_a_transaction) {
  take({{Kind::begin, 0}, {Kind::insert, 0}});
  pass(Milliseconds{60'000});
  EXPECT_EQ(pace.due(now), Commit::none);
  EXPECT_FALSE(pace.between_transactions());
  take({{Kind::commit, 110}});
  EXPECT_EQ(pace.due(now), Commit::durable);
}

TEST_F(APace, waits_for_the_disk_once_a_second) {
  take_transaction(110);
  pass(limits.longest_group);
  pace.committed(pace.due(now), now);
  EXPECT_EQ(pace.durable(), model::Lsn{});
  EXPECT_EQ(pace.due(now), Commit::none);
  pass(pace.patience(now));
  EXPECT_EQ(pace.due(now), Commit::durable);
  pace.committed(Commit::durable, now);
  EXPECT_EQ(pace.durable(), model::Lsn{110});
}

TEST_F(APace, puts_on_disk_what_an_earlier_stream_left) {
  EXPECT_EQ(pace.due(now), Commit::none);
  pass(pace.patience(now));
  EXPECT_EQ(pace.due(now), Commit::durable);
  pace.committed(Commit::durable, now);
  EXPECT_EQ(pace.durable(), model::Lsn{100});
}

TEST_F(APace, writes_a_position_that_moved_idly_every_ten_seconds) {
  pace.committed(Commit::durable, now);
  take({{Kind::idle, 200}});
  EXPECT_EQ(pace.due(now), Commit::none);
  EXPECT_EQ(pace.patience(now), limits.idle_every);
  pass(limits.idle_every);
  EXPECT_EQ(pace.due(now), Commit::durable);
  pace.committed(Commit::durable, now);
  EXPECT_EQ(pace.durable(), model::Lsn{200});
  EXPECT_EQ(pace.due(now), Commit::none);
}

TEST_F(APace, coalesces_while_far_behind_and_only_changes_between_groups) {
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  EXPECT_EQ(pace.mode(), ApplyMode::coalesced);
  take({{Kind::begin, 0}, {Kind::commit, 100 + limits.behind_from}});
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  EXPECT_EQ(pace.mode(), ApplyMode::coalesced);
  pace.committed(Commit::fast, now);
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  EXPECT_EQ(pace.mode(), ApplyMode::ordered);
}

TEST_F(APace, stays_coalesced_until_it_is_near) {
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  take({{Kind::begin, 0}, {Kind::commit, 100 + limits.behind_from - limits.near_from}});
  pace.committed(Commit::fast, now);
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  EXPECT_EQ(pace.mode(), ApplyMode::coalesced);
}

TEST_F(APace, coalesces_the_rest_of_a_large_transaction) {
  limits.group_bytes = 4 * sizeof(model::Event);
  Pace small{limits, model::Lsn{100}, now};
  model::Batch batch;
  add(batch, Kind::begin);
  add(batch, Kind::insert);
  small.took(batch, now);
  EXPECT_EQ(small.mode(), ApplyMode::ordered);
  small.took(batch, now);
  EXPECT_EQ(small.mode(), ApplyMode::coalesced);
}

TEST_F(APace, fills_a_large_group_while_behind) {
  pace.reached({{}, model::Lsn{100 + limits.behind_from}, {}});
  for (std::size_t one = 1; one <= limits.group_transactions; ++one) take_transaction(100 + one);
  pass(limits.longest_group);
  EXPECT_EQ(pace.due(now), Commit::none);
  pass(limits.durable_every);
  EXPECT_EQ(pace.due(now), Commit::durable);
}

}  // namespace
}  // namespace tributary::pipeline
