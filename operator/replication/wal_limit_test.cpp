#include "operator/replication/wal_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/status.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::Mode;
using v1alpha1::OnExceed;
using v1alpha1::State;
using v1alpha1::Truth;

constexpr const char* limit = "WALLimitExceeded";

void keep(Observed& seen, std::uint64_t bytes) {
  api::DatabaseProgress& shop = seen.voice->progress->databases.at(0);
  if (!shop.stream) shop.stream.emplace().slot = "tributary_shop";
  shop.stream->retained_bytes = bytes;
}

Observed limited(OnExceed choice, std::uint64_t kept) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.max_retained_wal = 1'000'000'000;
  seen.object.spec.on_exceed = choice;
  seen.now += Seconds(15);
  keep(seen, kept);
  return seen;
}

// Of a copy that has made its slot.
Observed limited_copy(OnExceed choice, std::uint64_t kept, Mode mode = Mode::snapshot_and_sync) {
  Observed seen = scene();
  seen.object.spec.mode = mode;
  seen.object.spec.max_retained_wal = 1'000'000'000;
  seen.object.spec.on_exceed = choice;
  seen = after(seen, look(seen));
  seen.pods = {pod_of(seen.jobs.at(0), running())};
  seen.voice = Voice{.progress = copying(10)};
  keep(seen, kept);
  return seen;
}

TEST(WalLimit, without_one_there_is_no_such_condition) {
  Observed seen = limited(OnExceed::release, 5'000'000'000);
  seen = after(seen, look(seen));
  seen.object.spec.max_retained_wal = 0;
  EXPECT_EQ(reason(look(seen), limit), "");
}

TEST(WalLimit, a_source_that_keeps_less_is_within_it) {
  const Decision decision = look(limited(OnExceed::release, 1'000'000'000));
  EXPECT_EQ(truth(decision, limit), Truth::no);
  EXPECT_EQ(reason(decision), "Following");
  EXPECT_THAT(names(decision), IsEmpty());
}

TEST(WalLimit, a_warning_leaves_the_stream_ready_and_says_so_once) {
  Observed seen = limited(OnExceed::warn, 2'345'000'000);
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, limit), Truth::yes);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_THAT(message(decision), HasSubstr("; the source keeps 2.3 GB of its log for the stream, of 1.0 GB that"));
  EXPECT_THAT(names(decision), IsEmpty());
  const std::vector<kube::EventNote> told = news(seen.object.status, decision.status);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].reason, limit);
  seen = after(seen, decision);
  seen.voice.emplace().silent_since = seen.now;
  const Decision silent = look(seen);
  EXPECT_EQ(message(silent), message(decision)) << "it stands, and is not said twice";
  EXPECT_THAT(news(seen.object.status, silent.status), IsEmpty());
  seen.voice = Voice{.progress = following(0)};
  EXPECT_EQ(truth(look(seen), limit), Truth::no) << "the stream has caught up";
}

TEST(WalLimit, a_pause_is_watched_as_well) {
  Observed seen = limited(OnExceed::warn, 2'000'000'000);
  seen.object.spec.state = State::paused;
  seen = after(seen, look(seen));
  seen.voice = Voice{.progress = holding()};
  keep(seen, 2'000'000'000);
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Paused");
  EXPECT_THAT(message(decision), HasSubstr("spec.source.maxRetainedWAL"));
}

TEST(WalLimit, an_engine_that_has_not_asked_its_source_proves_nothing) {
  Observed seen = limited(OnExceed::warn, 2'000'000'000);
  seen = after(seen, look(seen));
  api::StreamProgress& stream = *seen.voice->progress->databases[0].stream;
  stream.state = api::StreamState::connecting;
  for (const std::optional<std::uint64_t> unknown : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(0)}) {
    stream.retained_bytes = unknown;
    EXPECT_EQ(truth(look(seen), limit), Truth::yes);
  }
}

TEST(WalLimit, a_source_is_judged_while_the_stream_waits_for_its_target) {
  Observed seen = limited(OnExceed::warn, 2'000'000'000);
  api::StreamProgress& stream = *seen.voice->progress->databases[0].stream;
  stream.state = api::StreamState::connecting;
  stream.error = "the target is away";
  EXPECT_EQ(truth(look(seen), limit), Truth::yes);
  EXPECT_EQ(look(seen).status.sync->retained_bytes, 2'000'000'000U);
}

TEST(WalLimit, what_was_within_it_is_unknown_once_nobody_asks_the_source) {
  Observed seen = limited(OnExceed::release, 1'000'000'000);
  seen = after(seen, look(seen));
  seen.voice = Voice{.silent_since = seen.now};
  seen.now += Seconds(59);
  EXPECT_EQ(truth(look(seen), limit), Truth::no) << "an answer that is late";
  seen.now += Seconds(1);
  EXPECT_EQ(truth(look(seen), limit), Truth::unknown);
  EXPECT_EQ(reason(look(seen), limit), "NotMeasured");
  seen.voice = Voice{.progress = following(0)};
  seen.voice->progress->databases[0].stream->retained_bytes.reset();
  EXPECT_EQ(truth(look(seen), limit), Truth::unknown);
  EXPECT_FALSE(look(seen).status.sync->retained_bytes) << "an old number would be read as a fresh one";
  keep(seen, 5);
  EXPECT_EQ(truth(look(seen), limit), Truth::no);
}

TEST(WalLimit, a_warning_stands_from_attempt_to_attempt_as_long_as_the_slot_does) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync}) {
    Observed seen = limited_copy(OnExceed::warn, 2'000'000'000, mode);
    seen = after(seen, look(seen));
    seen.voice.reset();
    seen.jobs.at(0).state = JobState::failed;
    seen.pods = {pod_of(seen.jobs[0], ended(1, report(1, "Unavailable", "no route to host")))};
    seen = after(seen, look(seen));
    seen.now += std::chrono::minutes(5);
    const Decision again = look(seen);
    EXPECT_EQ(names(again).back(), "CreateJob");
    EXPECT_EQ(truth(again, limit), Truth::yes);
    seen = after(seen, again);
    seen.jobs.at(0).state = JobState::complete;
    seen.pods = {pod_of(seen.jobs[0], ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
    EXPECT_EQ(reason(look(seen), limit), mode == Mode::snapshot ? "" : limit) << "a snapshot leaves no slot";
  }
}

TEST(WalLimit, a_warning_goes_with_what_is_given_back) {
  Observed seen = limited_copy(OnExceed::warn, 2'000'000'000, Mode::snapshot);
  seen = after(seen, look(seen));
  seen.object.spec.state = State::stopped;
  seen.object.generation = 2;
  seen = after(seen, look(seen));
  seen.voice.reset();
  seen = after(seen, look(seen));
  seen.releases.at(0).state = JobState::complete;
  seen.pods = {pod_of(seen.releases[0], ended(0, report(0, "Released", "done")))};
  seen = after(seen, look(seen));
  EXPECT_EQ(reason(look(seen), limit), "");
}

TEST(WalLimit, a_stream_that_is_given_up_is_released_and_stalls) {
  for (const State state : {State::running, State::paused}) {
    Observed seen = limited(OnExceed::release, 2'000'000'000);
    seen.object.spec.state = state;
    seen = after(seen, look(seen));
    EXPECT_FALSE(seen.deployment);
    seen.pods.clear();
    seen.voice.reset();
    const Decision begin = look(seen);
    EXPECT_THAT(names(begin), Contains("CreateJob"));
    EXPECT_THAT(names(begin), Not(Contains("ApplyDeployment")));
    seen = after(seen, begin);
    seen.releases.at(0).state = JobState::complete;
    seen.pods = {pod_of(seen.releases[0], ended(0, report(0, "Released", "done")))};
    const Decision done = look(seen);
    EXPECT_EQ(reason(done), limit);
    EXPECT_TRUE(stalled(done));
    EXPECT_THAT(message(done), HasSubstr("requestID"));
    seen = after(seen, done);
    EXPECT_EQ(look(seen).status, seen.object.status);
  }
}

TEST(WalLimit, another_request_begins_again_without_what_was_said) {
  Observed seen = limited(OnExceed::release, 2'000'000'000);
  seen = after(seen, look(seen));
  seen.pods.clear();
  seen.voice.reset();
  seen.jobs.clear();
  seen.object.status.release = v1alpha1::Run{.result = v1alpha1::RunResult::succeeded};
  EXPECT_EQ(reason(look(seen)), limit);
  seen.object.spec.snapshot.request_id = "again";
  seen.object.generation = 3;
  const Decision again = look(seen);
  EXPECT_THAT(names(again), Contains("CreateJob"));
  EXPECT_EQ(reason(again, limit), "");
}

void expect_a_copy_to_be_given_up(Mode mode) {
  const Decision warned = look(limited_copy(OnExceed::warn, 2'000'000'000, mode));
  EXPECT_EQ(reason(warned), "Copying");
  EXPECT_THAT(message(warned), HasSubstr("spec.source.maxRetainedWAL"));
  Observed seen = limited_copy(OnExceed::release, 2'000'000'000, mode);
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  EXPECT_THAT(message(ending), HasSubstr("the source keeps more of its log than it may"));
  seen = after(seen, ending);
  seen.voice.reset();
  const Decision releasing = look(seen);
  ASSERT_THAT(names(releasing), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(reason(releasing, "SourceReleased"), "Releasing");
  seen = after(seen, releasing);
  seen.releases.at(0).state = JobState::complete;
  seen.pods = {pod_of(seen.releases[0], ended(0, report(0, "Released", "done")))};
  const Decision done = look(seen);
  EXPECT_TRUE(stalled(done));
  EXPECT_EQ(reason(done), limit);
  EXPECT_EQ(truth(done, "SnapshotComplete"), Truth::no);
  EXPECT_EQ(reason(done, "SnapshotComplete"), limit);
  EXPECT_THAT(message(done), HasSubstr("requestID"));
  seen = after(seen, done);
  seen.now += std::chrono::hours(9);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(look(seen).status, seen.object.status);
  seen.object.spec.snapshot.request_id = "again";
  seen.object.generation = 2;
  const Decision again = look(seen);
  EXPECT_EQ(names(again).back(), "CreateJob");
  EXPECT_EQ(reason(again, limit), "");
}

TEST(WalLimit, a_copy_for_a_stream_is_watched_from_the_slot_on) {
  expect_a_copy_to_be_given_up(Mode::snapshot_and_sync);
}

TEST(WalLimit, a_snapshot_is_watched_from_the_slot_on) {
  expect_a_copy_to_be_given_up(Mode::snapshot);
}

// As long as it lives it asks the source, whether it copies or waits for the target.
TEST(WalLimit, a_snapshot_is_given_up_while_its_engine_waits) {
  for (const api::Checks checks : {api::Checks::passed, api::Checks::not_passed}) {
    Observed seen = limited_copy(OnExceed::release, 2'000'000'000, Mode::snapshot);
    seen.object.status.snapshot->may_hold_slot = true;
    seen.voice->progress->phase = api::Phase::waiting;
    seen.voice->progress->checks = checks;
    EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  }
}

TEST(WalLimit, a_snapshot_that_waits_for_its_next_attempt_is_given_up_at_once) {
  Observed seen = limited_copy(OnExceed::warn, 2'000'000'000, Mode::snapshot);
  seen = after(seen, look(seen));
  seen.voice.reset();
  seen.jobs.at(0).state = JobState::failed;
  seen.pods = {pod_of(seen.jobs[0], ended(1, report(1, "Unavailable", "no route to host")))};
  seen = after(seen, look(seen));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.spec.on_exceed = OnExceed::release;
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
  EXPECT_EQ(reason(look(seen)), limit);
}

// With a slot that is still there.
Observed waiting_for_another_attempt() {
  Observed seen = limited_copy(OnExceed::warn, 2'000'000'000, Mode::snapshot);
  seen = after(seen, look(seen));
  seen.voice.reset();
  seen.jobs.at(0).state = JobState::failed;
  seen.pods = {pod_of(seen.jobs[0], ended(1, report(1, "Unavailable", "no route to host")))};
  return after(seen, look(seen));
}

TEST(WalLimit, what_was_said_of_one_request_gives_up_no_other) {
  Observed seen = waiting_for_another_attempt();
  ASSERT_EQ(truth(look(seen), limit), Truth::yes);
  seen.object.spec.snapshot.request_id = "again";
  seen.object.spec.on_exceed = OnExceed::release;
  seen.object.generation = 2;
  const Decision again = look(seen);
  EXPECT_EQ(names(again).back(), "CreateJob");
  EXPECT_EQ(reason(again), "Starting");
  EXPECT_EQ(reason(again, limit), "");
  EXPECT_EQ(again.status.snapshot->may_hold_slot, true);
}

}  // namespace
}  // namespace tributary::replication
