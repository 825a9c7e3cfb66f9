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

TEST(AStreamMeter, LagsByNothingWhereAllIsAppliedHoweverLongAgoThatWas) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.looked(health(100), api::StreamState::following);
  meter.reached(reach(100), noon + Seconds{3600});
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{3600});
  EXPECT_EQ(progress.state, api::StreamState::following);
  EXPECT_EQ(progress.lag_bytes, 0u);
  EXPECT_EQ(progress.lag_seconds, 0u);
}

TEST(AStreamMeter, CountsLagFromTheMomentAtWhichNothingWasLacking) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.reached(reach(100), noon + Seconds{3600});
  meter.reached(reach(150), noon + Seconds{3605});
  const api::StreamProgress progress = meter.snapshot(noon + Seconds{3607});
  EXPECT_EQ(progress.lag_bytes, 50u);
  EXPECT_EQ(progress.lag_seconds, 7u);
}

TEST(AStreamMeter, CountsLagFromTheLastCommitWhileItCatchesUp) {
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

TEST(AStreamMeter, BelievesTheSourceMoreThanTheStreamAboutTheEndOfItsLog) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  meter.looked(health(900), api::StreamState::following);
  meter.reached(reach(100), noon);
  EXPECT_EQ(meter.snapshot(noon).lag_bytes, 800u);
  EXPECT_EQ(meter.snapshot(noon).retained_bytes, 5u);
}

TEST(AStreamMeter, ShowsWhatIsBeingOvercomeUntilTheSourceSpeaksAgain) {
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

class QuietStream : public ChangeStream {
 public:
  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until&) override {
    return Error{Fault::failed, "nobody reads"};
  }
  void confirm(model::Lsn) override {}
  Reach reach() const override { return reach_; }
  Reach reach_;
};

TEST(AStreamMeter, AsksTheStreamItselfWhileTheThreadThatFollowsItIsKept) {
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

TEST(AStreamMeter, GoesOnFollowingWhenTheStreamIsOpenedAnewWithOtherTables) {
  StreamMeter meter;
  meter.opened({model::Lsn{100}, noon});
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::connecting);
  meter.looked(health(100), api::StreamState::following);
  meter.opened({model::Lsn{100}, noon});
  EXPECT_EQ(meter.snapshot(noon).state, api::StreamState::following);
}

TEST(AStreamMeter, SaysForHowLongTablesHaveBeenWaitingToFollowAgain) {
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
