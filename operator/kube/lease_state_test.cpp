#include "operator/kube/lease_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::kube::leasing {
namespace {

using ::testing::HasSubstr;

const SteadyTime start = SteadyTime() + std::chrono::hours(1);
const WallTime noon = WallTime(Seconds(1'700'000'000));
const std::string at_noon = "2023-11-14T22:13:20.000000Z";

Record held_by(const std::string& holder, const std::string& renewed = "r1", std::int64_t transitions = 4) {
  return {holder, 15, "a1", renewed, transitions};
}

// One process, "me", and the time at which it is asked and told.
class LeaseStateTest : public ::testing::Test {
 protected:
  template <class M>
  M expect(Milliseconds at) const {
    const Move move = state.next(start + at, noon + at);
    const auto* found = std::get_if<M>(&move);
    EXPECT_NE(found, nullptr) << "another move, number " << move.index() << ", at " << at.count() << " ms";
    return found == nullptr ? M{} : *found;
  }
  Milliseconds rests_until(Milliseconds at) const {
    return std::chrono::duration_cast<Milliseconds>(expect<Rest>(at).until - start);
  }
  void hear(const Answer& answer, Milliseconds at, double jitter = 0) { hear_late(answer, at, at, jitter); }
  void hear_late(const Answer& answer, Milliseconds sent, Milliseconds at, double jitter = 0) {
    state.heard(answer, start + sent, start + at, jitter);
  }
  // Takes a lease that nobody has, at 0.
  void lead() {
    expect<Look>(Milliseconds(0));
    hear(Absent{}, Milliseconds(0));
    hear(Written{expect<Claim>(Milliseconds(0)).record, "1"}, Milliseconds(0));
    ASSERT_TRUE(state.leads());
  }

  LeaseState state{"me", {}};
};

TEST_F(LeaseStateTest, where_there_is_no_lease_one_is_created) {
  expect<Look>(Milliseconds(0));
  hear(Absent{}, Milliseconds(0));
  const Claim claim = expect<Claim>(Milliseconds(0));
  EXPECT_EQ(claim.version, "");
  EXPECT_EQ(claim.record, (Record{"me", 15, at_noon, at_noon, 0}));
  hear(Written{claim.record, "1"}, Milliseconds(3));
  EXPECT_TRUE(state.leads());
}

TEST_F(LeaseStateTest, a_free_lease_is_taken_over_the_version_that_was_seen) {
  hear(Found{{"", 1, "a1", "r1", 4}, "7"}, Milliseconds(0));
  const Claim claim = expect<Claim>(Milliseconds(0));
  EXPECT_EQ(claim.version, "7");
  EXPECT_EQ(claim.record.transitions, 5);
  EXPECT_EQ(claim.record.acquired, at_noon);
}

TEST_F(LeaseStateTest, a_lost_race_ends_the_try_and_another_follows_after_two_seconds_and_some) {
  for (const auto& [jitter, rest] : std::vector<std::pair<double, int>>{{0, 2000}, {0.5, 3200}, {0.999999, 4399}}) {
    LeaseState each("me", {});
    each.heard(Absent{}, start, start, jitter);
    each.heard(Failed{"already exists"}, start, start, jitter);
    const Move move = each.next(start, noon);
    ASSERT_TRUE(std::holds_alternative<Rest>(move));
    EXPECT_EQ(std::get<Rest>(move).until, start + Milliseconds(rest));
    EXPECT_TRUE(std::holds_alternative<Look>(each.next(start + Milliseconds(rest), noon)));
  }
}

TEST_F(LeaseStateTest, a_holder_is_left_alone_until_its_record_has_not_changed_for_as_long_as_it_says) {
  hear(Found{held_by("other"), "7"}, Milliseconds(0));
  expect<Rest>(Milliseconds(0));
  hear(Found{held_by("other"), "7"}, Milliseconds(14'999));
  expect<Rest>(Milliseconds(14'999));
  hear(Found{held_by("other"), "7"}, Milliseconds(15'000));
  const Claim claim = expect<Claim>(Milliseconds(15'000));
  const std::string then = micro_time(noon + Seconds(15));
  EXPECT_EQ(claim.record, (Record{"me", 15, then, then, 5}));
  EXPECT_EQ(claim.version, "7");
}

TEST_F(LeaseStateTest, each_change_of_the_record_starts_the_wait_anew) {
  hear(Found{held_by("other", "r1"), "7"}, Milliseconds(0));
  hear(Found{held_by("other", "r2"), "8"}, Milliseconds(14'000));
  hear(Found{held_by("other", "r2"), "8"}, Milliseconds(28'999));
  expect<Rest>(Milliseconds(28'999));
  hear(Found{held_by("other", "r2"), "8"}, Milliseconds(29'000));
  expect<Claim>(Milliseconds(29'000));
}

TEST_F(LeaseStateTest, a_change_beside_the_record_does_not_prolong_it_and_its_version_is_the_one_to_write_over) {
  hear(Found{held_by("other"), "7"}, Milliseconds(0));
  hear(Found{held_by("other"), "9"}, Milliseconds(15'000));
  EXPECT_EQ(expect<Claim>(Milliseconds(15'000)).version, "9");
}

TEST_F(LeaseStateTest, the_duration_in_the_record_counts_and_no_time_in_it_does) {
  for (const auto& [duration, taken] :
       std::vector<std::pair<std::int64_t, int>>{{1, 1'000}, {60, 60'000}, {0, 0}, {-5, 0}}) {
    LeaseState each("me", {});
    const Record record{"other", duration, "2199-01-01T00:00:00.000000Z", "2199-01-01T00:00:00.000000Z", 0};
    each.heard(Found{record, "7"}, start, start, 0);
    if (taken > 0) {
      each.heard(Found{record, "7"}, start, start + Milliseconds(taken - 1), 0);
      EXPECT_TRUE(std::holds_alternative<Rest>(each.next(start + Milliseconds(taken - 1), noon))) << duration;
      each.heard(Found{record, "7"}, start, start + Milliseconds(taken), 0);
    }
    EXPECT_TRUE(std::holds_alternative<Claim>(each.next(start + Milliseconds(taken), noon))) << duration;
  }
  LeaseState each("me", {});
  each.heard(Found{{"other", std::numeric_limits<std::int64_t>::max(), "", "", 0}, "7"}, start, start, 0);
  EXPECT_TRUE(std::holds_alternative<Rest>(each.next(start, noon))) << "and nothing overflows";
}

TEST_F(LeaseStateTest, a_lease_that_somebody_has_deleted_is_its_holders_for_as_long_as_it_would_have_been) {
  hear(Found{held_by("other"), "7"}, Milliseconds(0));
  hear(Absent{}, Milliseconds(14'999));
  expect<Rest>(Milliseconds(14'999));
  hear(Absent{}, Milliseconds(15'000));
  const Claim claim = expect<Claim>(Milliseconds(15'000));
  EXPECT_EQ(claim.version, "");
  EXPECT_EQ(claim.record.transitions, 5);
}

TEST_F(LeaseStateTest, a_claim_whose_answer_was_lost_is_found_to_be_ours_and_made_again) {
  hear(Absent{}, Milliseconds(0));
  const Record ours = expect<Claim>(Milliseconds(0)).record;
  hear(Failed{"the connection broke"}, Milliseconds(0));
  EXPECT_FALSE(state.leads());
  hear(Found{ours, "1"}, Milliseconds(2'000));
  const Claim again = expect<Claim>(Milliseconds(2'000));
  EXPECT_EQ(again.version, "1");
  EXPECT_EQ(again.record.transitions, 0) << "nobody else had it";
  hear(Written{again.record, "2"}, Milliseconds(2'000));
  EXPECT_EQ(state.leads_until(), start + Milliseconds(12'000));
}

TEST_F(LeaseStateTest, leadership_is_measured_from_before_the_claim_was_sent) {
  hear(Absent{}, Milliseconds(0));
  hear_late(Written{expect<Claim>(Milliseconds(0)).record, "1"}, Milliseconds(0), Milliseconds(4'000));
  EXPECT_EQ(state.leads_until(), start + Milliseconds(10'000));
  hear_late(Written{expect<Claim>(Milliseconds(6'000)).record, "2"}, Milliseconds(6'000), Milliseconds(9'000));
  EXPECT_EQ(state.leads_until(), start + Milliseconds(16'000));
}

TEST_F(LeaseStateTest, a_leader_renews_every_two_seconds_without_looking) {
  lead();
  EXPECT_EQ(rests_until(Milliseconds(1)), Milliseconds(2'000));
  const Claim renewal = expect<Claim>(Milliseconds(2'000));
  EXPECT_EQ(renewal.version, "1");
  EXPECT_EQ(renewal.record.transitions, 0);
  EXPECT_EQ(renewal.record.acquired, at_noon);
  EXPECT_EQ(renewal.record.renewed, micro_time(noon + Seconds(2)));
  hear_late(Written{renewal.record, "2"}, Milliseconds(2'000), Milliseconds(2'100));
  EXPECT_EQ(rests_until(Milliseconds(2'100)), Milliseconds(4'100));
}

TEST_F(LeaseStateTest, a_renewal_that_fails_is_followed_by_a_look_and_a_claim_at_once) {
  lead();
  const Record ours = expect<Claim>(Milliseconds(2'000)).record;
  hear(Failed{"409"}, Milliseconds(2'010));
  expect<Look>(Milliseconds(2'010));
  hear(Found{ours, "5"}, Milliseconds(2'020));
  const Claim claim = expect<Claim>(Milliseconds(2'020));
  EXPECT_EQ(claim.version, "5");
  EXPECT_EQ(claim.record.transitions, 0);
}

TEST_F(LeaseStateTest, a_leader_tries_every_two_seconds_until_its_time_is_over) {
  lead();
  Milliseconds now(2'000);
  for (; now < Milliseconds(10'000); now += Milliseconds(2'000)) {
    expect<Claim>(now);
    hear(Failed{"503"}, now);
    expect<Look>(now);
    hear(Failed{"503"}, now, 0.9);
    EXPECT_EQ(rests_until(now), std::min(now + Milliseconds(2'000), Milliseconds(10'000)));
  }
  EXPECT_THAT(expect<Resign>(Milliseconds(10'000)).why, HasSubstr("503"));
}

TEST_F(LeaseStateTest, a_process_that_stood_still_resigns_whatever_was_answered_meanwhile) {
  lead();
  const Record record = expect<Claim>(Milliseconds(2'000)).record;
  expect<Resign>(Milliseconds(22'000));
  hear_late(Written{record, "2"}, Milliseconds(2'000), Milliseconds(22'000));
  EXPECT_EQ(state.leads_until(), start + Milliseconds(10'000));
  expect<Resign>(Milliseconds(22'000));
}

TEST_F(LeaseStateTest, a_claim_that_is_answered_when_its_time_is_over_makes_no_leader) {
  hear(Absent{}, Milliseconds(0));
  const Record record = expect<Claim>(Milliseconds(0)).record;
  hear_late(Written{record, "1"}, Milliseconds(0), Milliseconds(10'000));
  EXPECT_FALSE(state.leads());
  hear(Found{record, "1"}, Milliseconds(12'000));
  EXPECT_EQ(expect<Claim>(Milliseconds(12'000)).version, "1");
}

TEST_F(LeaseStateTest, a_leader_that_finds_another_holder_resigns_at_once) {
  lead();
  expect<Claim>(Milliseconds(2'000));
  hear(Failed{"409"}, Milliseconds(2'000));
  hear(Found{held_by("other"), "9"}, Milliseconds(2'000));
  EXPECT_THAT(expect<Resign>(Milliseconds(2'000)).why, HasSubstr("other"));
}

TEST_F(LeaseStateTest, a_leader_makes_a_lease_again_that_was_deleted) {
  lead();
  expect<Claim>(Milliseconds(2'000));
  hear(Failed{"404"}, Milliseconds(2'000));
  hear(Absent{}, Milliseconds(2'000));
  EXPECT_EQ(expect<Claim>(Milliseconds(2'000)).version, "");
  hear(Failed{"already exists"}, Milliseconds(2'000));
  expect<Look>(Milliseconds(4'000));
  hear(Found{held_by("other"), "9"}, Milliseconds(4'000));
  expect<Resign>(Milliseconds(4'000));
}

TEST_F(LeaseStateTest, a_write_that_changed_nothing_is_no_renewal) {
  lead();
  hear(Written{expect<Claim>(Milliseconds(2'000)).record, "1"}, Milliseconds(2'000));
  EXPECT_EQ(state.leads_until(), start + Milliseconds(10'000));
}

TEST_F(LeaseStateTest, requests_get_half_of_the_time_and_never_more_than_is_left) {
  EXPECT_EQ(state.answer_by(start), start + Milliseconds(5'000));
  lead();
  EXPECT_EQ(state.answer_by(start + Milliseconds(2'000)), start + Milliseconds(7'000));
  EXPECT_EQ(state.answer_by(start + Milliseconds(8'000)), start + Milliseconds(10'000));
}

TEST_F(LeaseStateTest, who_hands_over_leaves_a_record_that_anybody_may_take_at_once) {
  EXPECT_EQ(state.release(noon), std::nullopt);
  lead();
  const Claim release = state.release(noon).value();
  EXPECT_EQ(release.version, "1");
  EXPECT_EQ(release.record, (Record{"", 1, at_noon, at_noon, 0}));
  LeaseState next("next", {});
  next.heard(Found{release.record, "2"}, start, start, 0);
  const Move move = next.next(start, noon);
  ASSERT_TRUE(std::holds_alternative<Claim>(move));
  EXPECT_EQ(std::get<Claim>(move).record.transitions, 1);
}

TEST_F(LeaseStateTest, what_is_not_ours_any_more_is_not_given_back) {
  lead();
  hear(Failed{"409"}, Milliseconds(2'000));
  hear(Found{held_by("other"), "9"}, Milliseconds(2'000));
  EXPECT_EQ(state.release(noon), std::nullopt);
}

TEST(LeaseRecord, is_read_from_a_lease_and_written_into_one_that_keeps_the_rest) {
  const Json lease = Json::parse(R"({"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"holderIdentity":"h",
    "leaseDurationSeconds":15,"acquireTime":"a","renewTime":"r","leaseTransitions":3,"strategy":"OldestEmulationVersion"}})");
  EXPECT_EQ(record_of(Object(lease)), (Record{"h", 15, "a", "r", 3}));
  EXPECT_EQ(with_record(Object(lease), {"h", 15, "a", "r", 3}).json(), lease);
  const Json changed = with_record(Object(lease), {"", 1, "b", "s", 4}).json();
  EXPECT_EQ(changed["spec"], Json::parse(R"({"holderIdentity":"","leaseDurationSeconds":1,"acquireTime":"b",
    "renewTime":"s","leaseTransitions":4,"strategy":"OldestEmulationVersion"})"));
  EXPECT_EQ(changed["metadata"], lease["metadata"]);
}

TEST(LeaseRecord, of_anything_else_is_free) {
  for (const char* text : {"null", "{}", R"({"spec":null})", R"({"spec":{"holderIdentity":7,"leaseTransitions":"x"}})"})
    EXPECT_EQ(record_of(Object(Json::parse(text))), Record{}) << text;
  EXPECT_EQ(record_of(with_record(Object(Json::parse(R"({"spec":null})")), {"h", 1, "a", "r", 2})).holder, "h");
}

}  // namespace
}  // namespace tributary::kube::leasing
