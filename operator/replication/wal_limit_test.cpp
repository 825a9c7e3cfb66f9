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
Observed limited_copy(OnExceed choice, std::uint64_t kept) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::snapshot_and_sync;
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
  seen.voice->progress->databases[0].stream->state = api::StreamState::connecting;
  keep(seen, 0);
  EXPECT_EQ(truth(look(seen), limit), Truth::yes);
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

TEST(WalLimit, a_copy_is_watched_from_the_slot_on) {
  const Decision warned = look(limited_copy(OnExceed::warn, 2'000'000'000));
  EXPECT_EQ(reason(warned), "Copying");
  EXPECT_THAT(message(warned), HasSubstr("spec.source.maxRetainedWAL"));
  Observed seen = limited_copy(OnExceed::release, 2'000'000'000);
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  EXPECT_THAT(message(ending), HasSubstr("the source keeps more of its log than it may"));
  seen = after(seen, ending);
  seen.voice.reset();
  const Decision releasing = look(seen);
  ASSERT_THAT(names(releasing), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(reason(releasing), "Releasing");
  seen = after(seen, releasing);
  seen.releases.at(0).state = JobState::complete;
  seen.pods = {pod_of(seen.releases[0], ended(0, report(0, "Released", "done")))};
  const Decision done = look(seen);
  EXPECT_TRUE(stalled(done));
  EXPECT_EQ(reason(done), limit);
  EXPECT_EQ(truth(done, "SnapshotComplete"), Truth::no);
}

}  // namespace
}  // namespace tributary::replication
