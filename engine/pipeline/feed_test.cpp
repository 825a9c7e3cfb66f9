#include "engine/pipeline/feed.h"

#include <gtest/gtest.h>

#include <deque>

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;

std::shared_ptr<const model::Batch> batch_of(const std::vector<model::Event>& events) {
  auto batch = std::make_shared<model::Batch>();
  for (const model::Event& event : events) batch->add(event);
  return batch;
}

model::Event event(Kind kind, std::uint64_t end) {
  model::Event event;
  event.kind = kind;
  event.lsn = model::Lsn{end};
  event.end = model::Lsn{end};
  return event;
}

// Batches one by one, then nothing for ever; remembers what was confirmed.
class Script : public ChangeStream {
 public:
  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until&) override {
    ++asked;
    if (batches.empty()) {
      if (asked > 1000) return Error{Fault::failed, "asked for ever"};
      return std::make_shared<const model::Batch>();
    }
    const auto batch = batches.front();
    batches.pop_front();
    return batch;
  }
  void confirm(model::Lsn durable) override { confirmed = durable; }
  Reach reach() const override { return {}; }

  std::deque<std::shared_ptr<const model::Batch>> batches;
  model::Lsn confirmed;
  int asked = 0;
};

// Counts what it is given, and commits it.
class Counter : public Applier {
 public:
  StreamPosition position() const override { return position_; }
  Result<void> apply(const model::Events& events, ApplyMode, const Until&) override {
    for (const model::Event& event : events) {
      if (event.kind == Kind::truncate) ++open;
      if (event.kind == Kind::commit || event.kind == Kind::idle) reached_ = event.end;
    }
    return {};
  }
  bool keeps() const override { return is_keeping; }
  Result<void> commit(bool durable, const Until&) override {
    committed += open;
    open = 0;
    position_.applied = reached_;
    if (durable) on_disk = committed;
    return {};
  }
  const std::optional<StoppedTable>& stopped() const override { return none_; }
  Result<void> stop(const StoppedTable&, const Until&) override { return {}; }
  Result<void> reload(const Until&) override { return {}; }
  bool usable() const override { return true; }

  int open = 0, committed = 0, on_disk = 0;
  bool is_keeping = false;

 private:
  StreamPosition position_{model::Lsn{10}, {}};
  model::Lsn reached_{10};
  const std::optional<StoppedTable> none_;
};

TEST(CatchUp, ends_with_everything_up_to_its_goal_on_disk_and_confirmed) {
  Script stream;
  Counter applier;
  for (std::uint64_t end = 20; end <= 60; end += 10)
    stream.batches.push_back(batch_of({event(Kind::begin, end), event(Kind::truncate, end), event(Kind::commit, end)}));
  ASSERT_TRUE(catch_up(applier, stream, model::Lsn{40}, {}));
  EXPECT_EQ(applier.on_disk, 3);
  EXPECT_EQ(stream.confirmed, model::Lsn{40});
  EXPECT_EQ(stream.batches.size(), 2u) << "goes no further than it was asked to";
}

TEST(CatchUp, believes_the_source_that_there_is_nothing_up_to_its_goal) {
  Script stream;
  Counter applier;
  stream.batches.push_back(batch_of({event(Kind::idle, 70)}));
  ASSERT_TRUE(catch_up(applier, stream, model::Lsn{40}, {}));
  EXPECT_EQ(stream.confirmed, model::Lsn{70});
}

TEST(CatchUp, leaves_a_transaction_alone_that_has_begun_behind_its_goal) {
  Script stream;
  Counter applier;
  stream.batches.push_back(batch_of({event(Kind::begin, 40), event(Kind::truncate, 40), event(Kind::commit, 40),
                                     event(Kind::begin, 50), event(Kind::truncate, 50)}));
  stream.batches.push_back(batch_of({event(Kind::truncate, 50), event(Kind::commit, 50)}));
  Feed feed(applier, stream, nullptr, {});
  ASSERT_TRUE(feed.reach(model::Lsn{40}, {}));
  EXPECT_EQ(applier.on_disk, 1);
  EXPECT_EQ(stream.confirmed, model::Lsn{40});
  ASSERT_TRUE(feed.reach(model::Lsn{50}, {}));
  EXPECT_EQ(applier.on_disk, 3) << "and goes on with it where somebody does";
}

TEST(CatchUp, ends_a_transaction_that_has_begun_before_its_goal) {
  Script stream;
  Counter applier;
  stream.batches.push_back(batch_of({event(Kind::begin, 40), event(Kind::truncate, 40)}));
  stream.batches.push_back(batch_of({event(Kind::truncate, 40), event(Kind::commit, 40)}));
  ASSERT_TRUE(catch_up(applier, stream, model::Lsn{40}, {}));
  EXPECT_EQ(applier.on_disk, 2) << "half a transaction is never committed";
}

TEST(CatchUp, commits_what_has_ended_where_no_batch_ends_with_a_transaction) {
  Script stream;
  Counter applier;
  stream.batches.push_back(batch_of({event(Kind::begin, 20), event(Kind::truncate, 20)}));
  for (std::uint64_t end = 20; end < 60; end += 10)
    stream.batches.push_back(
        batch_of({event(Kind::commit, end), event(Kind::begin, end + 10), event(Kind::truncate, end + 10)}));
  Pace::Limits limits;
  limits.group_transactions = 2;
  Feed feed(applier, stream, nullptr, limits);
  while (!stream.batches.empty()) ASSERT_TRUE(feed.turn({}));
  EXPECT_EQ(applier.committed, 4);
  EXPECT_EQ(applier.open, 0);
  ASSERT_TRUE(feed.turn({}));
  EXPECT_EQ(applier.open, 1);
}

TEST(AFeed, keeps_batches_of_a_large_transaction_only_for_an_applier_that_still_looks_at_them) {
  for (const bool is_keeping : {false, true}) {
    Script stream;
    Counter applier;
    applier.is_keeping = is_keeping;
    std::vector<std::weak_ptr<const model::Batch>> batches;
    stream.batches.push_back(batch_of({event(Kind::begin, 40), event(Kind::truncate, 40)}));
    for (int more = 0; more < 3; ++more) stream.batches.push_back(batch_of({event(Kind::truncate, 40)}));
    for (const auto& batch : stream.batches) batches.emplace_back(batch);
    Feed feed(applier, stream, nullptr, {});
    while (!stream.batches.empty()) ASSERT_TRUE(feed.turn({}));
    for (const auto& batch : batches) EXPECT_EQ(!batch.expired(), is_keeping);
    EXPECT_FALSE(feed.is_settled());
  }
}

std::vector<model::Event> transaction(std::uint64_t record, std::uint64_t end) {
  std::vector<model::Event> events{event(Kind::begin, end), event(Kind::truncate, end), event(Kind::commit, end)};
  for (model::Event& each : events) each.lsn = model::Lsn{record};
  return events;
}

TEST(AFeedWithACut, gives_what_was_committed_below_it_and_the_rest_when_it_is_lifted) {
  std::vector<model::Event> all;
  for (const std::uint64_t end : {20, 30, 40, 50})
    for (const model::Event& each : transaction(end - 5, end)) all.push_back(each);
  struct Case {
    std::uint64_t cut;
    int below;
  };
  for (const Case& each : {Case{15, 0}, Case{20, 1}, Case{25, 1}, Case{30, 2}, Case{45, 3}, Case{50, 4}, Case{55, 4}}) {
    for (const bool is_in_pieces : {false, true}) {
      SCOPED_TRACE("cut at " + std::to_string(each.cut) + (is_in_pieces ? " in pieces" : ""));
      Script stream;
      Counter applier;
      if (is_in_pieces)
        for (std::size_t at = 0; at < all.size(); at += 2)
          stream.batches.push_back(batch_of(
              {all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at) + 2}));
      else
        stream.batches.push_back(batch_of(all));
      stream.batches.push_back(batch_of({event(Kind::idle, 60)}));
      Feed feed(applier, stream, nullptr, {});
      feed.cut_at(model::Lsn{each.cut});
      while (feed.given() < model::Lsn{each.cut}) ASSERT_TRUE(feed.turn({}));
      ASSERT_TRUE(*feed.settle({}, Pace::Commit::fast));
      EXPECT_EQ(applier.committed, each.below);
      EXPECT_EQ(applier.position().applied, model::Lsn{each.cut});
      feed.lift_cut();
      while (feed.given() < model::Lsn{60}) ASSERT_TRUE(feed.turn({}));
      ASSERT_TRUE(*feed.settle({}));
      EXPECT_EQ(applier.on_disk, 4);
      EXPECT_EQ(stream.confirmed, model::Lsn{60});
    }
  }
}

TEST(AFeedWithACut, needs_no_more_than_the_word_that_nothing_is_left_below_it) {
  for (const std::uint64_t end : {40, 41}) {
    Script stream;
    Counter applier;
    stream.batches.push_back(batch_of({event(Kind::idle, 39)}));
    stream.batches.push_back(batch_of({event(Kind::idle, end)}));
    Feed feed(applier, stream, nullptr, {});
    feed.cut_at(model::Lsn{40});
    ASSERT_TRUE(feed.turn({}));
    EXPECT_LT(feed.given(), model::Lsn{40});
    ASSERT_TRUE(feed.turn({}));
    EXPECT_EQ(feed.given(), model::Lsn{40});
  }
}

TEST(CatchUp, has_nothing_to_do_at_its_goal) {
  Script stream;
  Counter applier;
  ASSERT_TRUE(catch_up(applier, stream, model::Lsn{10}, {}));
  EXPECT_EQ(stream.asked, 0);
}

TEST(CatchUp, is_no_success_when_stopped) {
  Script stream;
  Counter applier;
  std::stop_source stop;
  stop.request_stop();
  const Result<void> ended = catch_up(applier, stream, model::Lsn{40}, {Deadline::never(), stop.get_token()});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().fault, Fault::cancelled);
}

}  // namespace
}  // namespace tributary::pipeline
