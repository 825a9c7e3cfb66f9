#include "engine/pipeline/stream_board.h"

#include <gtest/gtest.h>

namespace tributary::pipeline {
namespace {

const WallTime noon{Seconds{1'800'000'000}};

Reach reach(std::uint64_t end) {
  return {model::Lsn{end}, model::Lsn{end}, noon};
}

SlotHealth health(std::uint64_t end) {
  return {"slot", model::Lsn{end}, 5};
}

TEST(AStreamMeter, lags_by_nothing_where_all_is_applied_however_long_ago_that_was) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.looked(health(100), api::StreamState::following);
  meter.reached(reach(100), noon + Seconds{3600});
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{3600});
  EXPECT_EQ(progress.state, api::StreamState::following);
  EXPECT_EQ(progress.lag_bytes, 0u);
  EXPECT_EQ(progress.lag_seconds, 0u);
}

TEST(AStreamMeter, counts_lag_from_the_moment_at_which_nothing_was_lacking) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.reached(reach(100), noon + Seconds{3600});
  meter.reached(reach(150), noon + Seconds{3605});
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{3607});
  EXPECT_EQ(progress.lag_bytes, 50u);
  EXPECT_EQ(progress.lag_seconds, 7u);
}

TEST(AStreamMeter, counts_lag_from_the_last_commit_while_it_catches_up) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.reached(reach(900), noon + Seconds{600});
  EXPECT_EQ(meter.snapshot(noon + Seconds{600}).lag_seconds, 600u);
  meter.committed({model::Lsn{500}, noon + Seconds{300}}, 7, 30);
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{610});
  EXPECT_EQ(progress.lag_seconds, 310u);
  EXPECT_EQ(progress.transactions, 7u);
  EXPECT_EQ(progress.changes, 30u);
  EXPECT_EQ(progress.applied, "0/1F4");
}

TEST(AStreamMeter, believes_the_source_more_than_the_stream_about_the_end_of_its_log) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.looked(health(900), api::StreamState::following);
  meter.reached(reach(100), noon);
  EXPECT_EQ(meter.snapshot(noon).lag_bytes, 800u);
  EXPECT_EQ(meter.snapshot(noon).retained_bytes, 5u);
}

TEST(AStreamMeter, shows_what_is_being_overcome_until_the_source_speaks_again) {
  StreamMeter meter;
  meter.troubled("the source is away");
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::connecting);
  EXPECT_EQ(meter.snapshot(noon).error, "the source is away");
  meter.opened({model::Lsn{100}, {}});
  EXPECT_EQ(meter.snapshot(noon).error, "the source is away");
  meter.looked(health(100), api::StreamState::following);
  EXPECT_EQ(meter.snapshot(noon).error, "");
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::following);
}

TEST(AStreamMeter, does_not_know_what_a_source_keeps_that_it_cannot_ask) {
  StreamMeter meter;
  EXPECT_FALSE(meter.snapshot(noon).retained_bytes);
  meter.looked(health(100), api::StreamState::holding);
  EXPECT_EQ(meter.snapshot(noon).retained_bytes, 5u);
  meter.troubled("the source is away");
  EXPECT_FALSE(meter.snapshot(noon).retained_bytes) << "it was so, and nobody knows what it is";
  EXPECT_EQ(meter.snapshot(noon).slot, "slot");
  meter.measured(health(200));
  EXPECT_EQ(meter.snapshot(noon).retained_bytes, 5u);
  EXPECT_EQ(meter.snapshot(noon).error, "the source is away") << "the stream is still not there";
  meter.released();
  EXPECT_EQ(meter.snapshot(noon), api::StreamProgress{});
}

class QuietStream : public ChangeStream {
 public:
  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until&) override {
    return Error{Fault::failed, "nobody reads"};
  }
  void confirm(model::Lsn) override {}
  Reach reach() const override { return reach_; }
  Reach reach_;
};

TEST(AStreamMeter, asks_the_stream_itself_while_the_thread_that_follows_it_is_kept) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.looked(health(100), api::StreamState::following);
  meter.reached(reach(100), noon);
  QuietStream stream;
  const Listening listening(meter, stream);
  stream.reach_ = reach(700);
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{9});
  EXPECT_EQ(progress.lag_bytes, 600u);
  EXPECT_EQ(progress.lag_seconds, 9u);
  EXPECT_EQ(progress.received, "0/2BC");
}

TEST(AStreamMeter, goes_on_following_when_the_stream_is_opened_anew_with_other_tables) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::connecting);
  meter.looked(health(100), api::StreamState::following);
  meter.opened({model::Lsn{100}, noon});
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::following);
}

TEST(AStreamMeter, says_for_how_long_tables_have_been_waiting_to_follow_again) {
  StreamMeter meter;
  EXPECT_FALSE(meter.snapshot(noon).aside) << "nobody has looked";
  meter.stands({.aside = {.recopy = 1}}, noon);
  meter.stands({.aside = {.recopy = 2}}, noon + Seconds{50});
  EXPECT_EQ(meter.snapshot(noon + Seconds{90}).aside->recopy, 2u);
  EXPECT_EQ(meter.snapshot(noon + Seconds{90}).aside->recopy_seconds, 90u);
  meter.stands({}, noon + Seconds{100});
  EXPECT_EQ(meter.snapshot(noon + Seconds{110}).aside->recopy_seconds, 0u);
  meter.stands({.aside = {.recopy = 1}}, noon + Seconds{200});
  EXPECT_EQ(meter.snapshot(noon + Seconds{205}).aside->recopy_seconds, 5u);
}

}  // namespace
}  // namespace tributary::pipeline
