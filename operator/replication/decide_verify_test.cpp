#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/comparisons.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::Mode;
using v1alpha1::State;
using v1alpha1::Truth;
using v1alpha1::VerifyState;
using v1alpha1::VerifyTrigger;

Observed observed_after(const Observed& seen) {
  return after(seen, look(seen));
}

// --- what asks for a comparison

TEST(DecideVerify, a_stream_is_compared_after_its_snapshot_once_it_is_connected) {
  Observed seen = comparable(Mode::snapshot_and_sync, {});
  const std::optional<Voice> heard = seen.voice;
  seen.voice.reset();
  const Decision early = look(seen);
  EXPECT_THAT(names(early), IsEmpty());
  EXPECT_EQ(early.status.verify->state, VerifyState::pending);
  EXPECT_EQ(truth(early, "Verified"), Truth::unknown);
  EXPECT_EQ(reason(early, "Verified"), "Verifying");
  EXPECT_THAT(message(early, "Verified"), HasSubstr("waits for the stream to be connected"));
  seen.voice = heard;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_TRUE(wants_a_live_look(decision));
  EXPECT_EQ(decision.status.verify->state, VerifyState::running);
  EXPECT_EQ(decision.status.verify->trigger, VerifyTrigger::after_snapshot);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes) << "it is no part of the promise";
}

TEST(DecideVerify, a_snapshot_is_compared_as_soon_as_it_is_complete) {
  const Observed seen = comparable(Mode::snapshot, {});
  EXPECT_TRUE(v1alpha1::is_true(seen.object.status, "Ready"));
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
}

TEST(DecideVerify, a_complete_snapshot_is_recorded_before_its_comparison_begins) {
  Observed seen = scene();
  seen.object.spec.verify.after_snapshot = true;
  seen = observed_after(seen);
  seen.pods = {pod_of(seen.jobs.at(0), ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
  const Decision decision = look(seen);
  EXPECT_EQ(decision.status.snapshot->result, v1alpha1::RunResult::succeeded);
  EXPECT_THAT(names(decision), IsEmpty());
}

TEST(DecideVerify, each_snapshot_is_compared_once) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync}) {
    Observed seen = compared(observed_after(comparable(mode, {})), 0, found(equal()));
    EXPECT_EQ(seen.object.status.verify->state, VerifyState::equal);
    EXPECT_THAT(names(look(seen)), IsEmpty());
    seen.verifications.clear();
    EXPECT_THAT(names(look(seen)), IsEmpty()) << "its Job may go";
  }
}

TEST(DecideVerify, where_nothing_asks_both_ends_are_never_compared) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync, Mode::sync}) {
    const Decision decision = look(comparable(mode, {.after_snapshot = false}));
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_EQ(truth(decision, "Verified"), Truth::unknown);
    EXPECT_EQ(reason(decision, "Verified"), "NeverVerified");
    EXPECT_FALSE(decision.status.verify);
  }
}

TEST(DecideVerify, a_copy_that_was_complete_before_anybody_asked_is_left_alone) {
  Observed seen = observed_after(comparable(Mode::snapshot, {.after_snapshot = false}));
  seen.object.spec.verify.after_snapshot = true;
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

TEST(DecideVerify, in_mode_validate_there_is_nothing_to_compare) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::validate;
  seen.object.spec.verify = {.request_id = "first"};
  const Decision decision = look(seen);
  EXPECT_EQ(v1alpha1::find_condition(decision.status, "Verified"), nullptr);
  EXPECT_FALSE(decision.status.verify);
}

TEST(DecideVerify, another_request_compares_again_and_the_same_does_not) {
  Observed seen = compared(comparing(Mode::sync, running()), 0, found(equal(), ""));
  EXPECT_EQ(seen.object.status.verify->request_id, "first");
  EXPECT_EQ(seen.object.status.verify->result, VerifyState::equal);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.spec.verify.request_id = "second";
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(decision.status.verify->request_id, "second");
  EXPECT_EQ(decision.status.verify->attempt, 2);
}

TEST(DecideVerify, one_comparison_answers_everything_that_asked_before_it) {
  Observed seen = comparable(Mode::snapshot, {.schedule = "* * * * *", .request_id = "first"});
  seen = observed_after(seen);
  EXPECT_EQ(seen.object.status.verify->trigger, VerifyTrigger::request);
  EXPECT_EQ(seen.object.status.verify->snapshot, "");
  EXPECT_THAT(names(look(compared(seen, 0, found(equal())))), IsEmpty());
}

TEST(DecideVerify, a_request_waits_for_the_end_of_the_comparison_that_goes_on) {
  Observed seen = comparing(Mode::snapshot_and_sync, running());
  seen.object.spec.verify.request_id = "second";
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen = compared(seen, 0, found(equal()));
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
}

// --- the schedule

TEST(DecideVerify, a_schedule_begins_when_its_time_has_come) {
  Observed seen = comparable(Mode::snapshot, {.after_snapshot = false, .schedule = "30 22 * * *"});
  seen.now = *parse_rfc3339("2023-11-14T22:20:00Z");
  const Decision early = look(seen);
  EXPECT_THAT(names(early), IsEmpty());
  EXPECT_EQ(early.recheck, std::chrono::minutes(10));
  seen = after(seen, early);
  seen.now = *parse_rfc3339("2023-11-14T22:30:00Z");
  const Decision due = look(seen);
  EXPECT_THAT(names(due), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(due.status.verify->trigger, VerifyTrigger::schedule);
}

TEST(DecideVerify, times_that_were_missed_count_as_one) {
  Observed seen = observed_after(comparable(Mode::snapshot, {.after_snapshot = false, .schedule = "@hourly"}));
  seen.now += std::chrono::hours(49);
  seen = observed_after(seen);
  ASSERT_EQ(seen.verifications.size(), 1U);
  seen = compared(seen, 0, found(equal()));
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_LE(decision.recheck.value(), std::chrono::hours(1));
}

TEST(DecideVerify, times_that_come_while_a_comparison_goes_on_do_not_count) {
  Observed seen = comparable(Mode::snapshot_and_sync, {.schedule = "* * * * *"});
  seen = observed_after(seen);
  seen.now += std::chrono::hours(1);
  seen.pods.push_back(pod_of(seen.verifications.back(), running()));
  seen.pods.back().verifies = true;
  EXPECT_THAT(names(look(seen)), Not(Contains("CreateJob")));
  seen = compared(seen, 0, found(equal()));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now += std::chrono::minutes(1);
  EXPECT_THAT(names(look(seen)), Contains("CreateJob"));
}

TEST(DecideVerify, another_schedule_counts_from_then_on) {
  Observed seen = observed_after(comparable(Mode::snapshot, {.after_snapshot = false, .schedule = "@yearly"}));
  seen.now += std::chrono::hours(24);
  seen.object.spec.verify.schedule = "@hourly";
  seen = observed_after(seen);
  EXPECT_THAT(seen.verifications, IsEmpty());
  seen.object.spec.verify.schedule.clear();
  EXPECT_FALSE(look(seen).status.verify);
}

// --- what is in its way

TEST(DecideVerify, a_flaw_a_missing_secret_or_a_state_that_is_not_running_holds_it_back) {
  struct Case {
    const char* what;
    void (*spoil)(Observed&);
  };
  using S = Observed&;
  const Case cases[] = {
      {"a spec without a flaw", [](S s) { s.object.spec.verify.schedule = "soon"; }},
      {"secret shop-target", [](S s) { s.secrets.pop_back(); }},
      {"spec.state to say Running", [](S s) { s.object.spec.state = State::paused; }},
  };
  for (const Case& one : cases) {
    Observed seen = comparable(Mode::snapshot, {});
    one.spoil(seen);
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), IsEmpty()) << one.what;
    EXPECT_EQ(decision.status.verify->state, VerifyState::pending);
    EXPECT_EQ(reason(decision, "Verified"), "Verifying");
    EXPECT_THAT(message(decision, "Verified"), HasSubstr("waits for " + std::string(one.what)));
  }
}

TEST(DecideVerify, a_request_waits_for_the_copy_that_goes_on) {
  Observed seen = with_engine(running());
  seen.object.spec.verify.request_id = "first";
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_THAT(message(look(seen), "Verified"), HasSubstr("waits for the copy to be complete"));
}

TEST(DecideVerify, a_request_whose_comparison_another_snapshot_ended_is_asked_again) {
  Observed seen = comparing(Mode::snapshot, running());
  seen.object.spec.snapshot.request_id = "again";
  seen = observed_after(seen);
  seen = observed_after(seen);
  EXPECT_EQ(seen.object.status.snapshot->request_id, "again");
  EXPECT_EQ(seen.object.status.verify->request_id, "");
  EXPECT_EQ(seen.object.status.verify->attempt, 1) << "no name is used twice";
}

TEST(DecideVerify, a_pause_ends_it_and_running_begins_it_again) {
  for (const State state : {State::paused, State::stopped}) {
    Observed seen = comparing(Mode::snapshot_and_sync, running());
    seen.object.spec.state = state;
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), Contains("DeleteJob"));
    EXPECT_EQ(decision.status.verify->state, VerifyState::pending);
    seen = after(seen, decision);
    EXPECT_THAT(seen.verifications, IsEmpty());
    if (state == State::stopped) continue;
    EXPECT_THAT(names(look(seen)), Not(Contains("CreateJob")));
    seen.object.spec.state = State::running;
    seen = observed_after(observed_after(seen));
    ASSERT_EQ(seen.verifications.size(), 1U);
    EXPECT_EQ(seen.verifications[0].attempt, 2);
    EXPECT_EQ(seen.object.status.verify->request_id, "first");
  }
}

TEST(DecideVerify, the_next_waits_until_the_pod_of_the_one_before_has_ended) {
  Observed seen = comparing(Mode::snapshot_and_sync, running());
  seen.verifications[0].deleting = true;
  seen.pods.back().deleting = true;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_THAT(message(decision, "Verified"), HasSubstr("pod " + seen.pods.back().name + " to end"));
}

// --- beside the others

TEST(DecideVerify, its_pod_is_no_copys_and_no_streams) {
  Observed seen = comparing(Mode::snapshot_and_sync, running());
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty()) << "the stream goes on";
  EXPECT_EQ(reason(decision), "Following");
  seen = comparing(Mode::snapshot, running());
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "SnapshotComplete");
}

TEST(DecideVerify, another_snapshot_ends_it_and_waits_for_its_pod) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync}) {
    Observed seen = comparing(mode, running());
    seen.object.spec.snapshot.request_id = "again";
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), Contains("DeleteJob"));
    EXPECT_THAT(names(decision), Not(Contains("CreateJob")));
    EXPECT_EQ(reason(decision), "Ending");
  }
}

TEST(DecideVerify, deletion_ends_it_before_the_object_goes) {
  Observed seen = comparing(Mode::snapshot, running());
  seen.object.deleted = noon;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob", "DeleteJob"));
  seen.verifications[0].deleting = true;
  seen.jobs.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_THAT(message(look(seen)), HasSubstr("pod " + seen.pods.back().name));
  seen.verifications.clear();
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideVerify, what_the_source_holds_is_given_back_after_it) {
  Observed seen = comparing(Mode::snapshot_and_sync, running());
  seen.object.spec.state = State::stopped;
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob", "DeleteJob", "DeleteDeployment"));
  seen.verifications[0].deleting = true;
  seen.jobs.clear();
  seen.deployment.reset();
  std::erase_if(seen.pods, [](const Pod& pod) { return !pod.verifies; });
  seen.voice.reset();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.pods.clear();
  seen.verifications.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
}

// --- a pod that cannot run, and one that does not end

TEST(DecideVerify, what_keeps_its_pod_from_running_is_told_and_a_corrected_spec_replaces_it) {
  Observed seen = comparing(Mode::snapshot, waiting("ImagePullBackOff", "no-such"));
  EXPECT_THAT(message(look(seen), "Verified"), HasSubstr("no-such"));
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
  seen.object.generation = 2;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.spec.pod.image = "tributary:other";
  seen = observed_after(seen);
  EXPECT_THAT(seen.verifications, IsEmpty());
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
}

TEST(DecideVerify, a_config_map_that_was_deleted_is_restored) {
  Observed seen = comparing(Mode::snapshot, waiting("ContainerCreating", ""));
  seen.now += Seconds(10);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("RestoreConfigMap"));
  EXPECT_EQ(std::get<RestoreConfigMap>(decision.actions[0]).object.name(), seen.verifications[0].name);
}

TEST(DecideVerify, a_sidecar_keeps_no_pod_of_what_has_ended) {
  Observed seen = comparing(Mode::snapshot, ended(0, found(equal())));
  seen.pods.back().finished = false;
  seen = observed_after(seen);
  EXPECT_EQ(seen.object.status.verify->state, VerifyState::equal);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now = noon + Seconds(60);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

TEST(DecideVerify, what_could_not_be_compared_is_not_compared_again_by_kubernetes) {
  Observed seen = comparing(Mode::snapshot, ended(1, found(not_compared())));
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty()) << "recorded before anything else";
  EXPECT_EQ(decision.status.verify->state, VerifyState::incomplete);
  seen = after(seen, decision);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

// --- an operator that was killed

TEST(DecideVerify, a_job_that_the_status_does_not_know_of_is_taken_over) {
  Observed seen = comparable(Mode::snapshot, {.after_snapshot = true, .request_id = "first"});
  const Observed created = observed_after(seen);
  Observed forgotten = created;
  forgotten.object.status = seen.object.status;
  const Decision decision = look(forgotten);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status.verify->job_name, created.verifications[0].name);
  EXPECT_EQ(decision.status.verify->request_id, "first");
  EXPECT_EQ(decision.status.verify->snapshot, "");
  EXPECT_EQ(decision.status.verify->attempt, 1);
}

TEST(DecideVerify, a_comparison_whose_job_is_gone_before_its_end_was_recorded_begins_again) {
  Observed seen = comparing(Mode::snapshot, running());
  seen.verifications.clear();
  std::erase_if(seen.pods, [](const Pod& pod) { return pod.verifies; });
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(decision.status.verify->attempt, 2);
  EXPECT_EQ(decision.status.verify->trigger, VerifyTrigger::request);
}

TEST(DecideVerify, a_job_of_an_earlier_snapshot_is_ended_and_says_nothing) {
  Observed seen = comparing(Mode::snapshot, ended(0, found(equal())));
  seen.verifications[0].copy = "shop-00000000-0";
  seen.object.status.verify.reset();
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), Contains("DeleteJob"));
  EXPECT_NE(decision.status.verify->result, VerifyState::equal);
}

TEST(DecideVerify, deciding_twice_changes_nothing) {
  for (Observed seen : {comparing(Mode::snapshot, running()), comparing(Mode::snapshot_and_sync, running()),
                        compared(comparing(Mode::snapshot, running()), 0, found(equal())),
                        compared(comparing(Mode::snapshot, running()), 3, found(different())),
                        compared(comparing(Mode::snapshot_and_sync, running()), 3, found(different()))}) {
    seen = observed_after(seen);
    seen.now += Seconds(3);
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_EQ(decision.status, seen.object.status);
  }
}

}  // namespace
}  // namespace tributary::replication
