#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Mode;
using v1alpha1::Phase;
using v1alpha1::RunResult;
using v1alpha1::SourceObjects;
using v1alpha1::State;
using v1alpha1::Truth;

constexpr Seconds back_off{60};

kube::Json arguments(const kube::Object& object) {
  return object.json()["spec"]["template"]["spec"]["containers"][0]["args"];
}

kube::Object created_job(const Decision& decision) {
  for (const Action& action : decision.actions) {
    if (const auto* job = std::get_if<CreateJob>(&action)) return job->object;
  }
  return {};
}

Observed in_state(State state) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.state = state;
  return seen;
}

// The stream's pod is gone, the release Job is there.
Observed releasing(Observed seen) {
  seen = after(seen, decide(seen));
  return after(seen, decide(seen));
}

Observed end_release(Observed seen, int exit_code, const std::string& reason) {
  Job& job = seen.releases.at(0);
  job.state = exit_code == 0 ? JobState::complete : JobState::failed;
  seen.pods = {pod_of(job, ended(exit_code, report(exit_code, reason, "it said so")))};
  seen.voice.reset();
  return seen;
}

TEST(DecideRelease, a_job_that_waits_for_its_config_map_gets_it_again) {
  Observed seen = releasing(in_state(State::stopped));
  ASSERT_EQ(seen.releases.size(), 1U);
  seen.pods = {pod_of(seen.releases[0], waiting("ContainerCreating", ""))};
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now += Seconds(10);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("RestoreConfigMap"));
  EXPECT_EQ(std::get<RestoreConfigMap>(decision.actions[0]).object.name(), seen.releases[0].name);
}

// --- paused

TEST(DecidePause, the_engine_is_started_again_to_hold_and_says_what_the_source_keeps) {
  Observed seen = in_state(State::paused);
  const Decision holding = look(seen);
  ASSERT_THAT(names(holding), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  const kube::Json args = arguments(std::get<ApplyDeployment>(holding.actions[1]).object);
  EXPECT_EQ(args[0], "sync");
  EXPECT_EQ(args[1], "--hold");
  EXPECT_EQ(holding.status.phase, Phase::syncing) << "the engine before still applies";
  seen = after(seen, holding);
  EXPECT_EQ(reason(look(seen)), "Pausing");
  EXPECT_EQ(look(seen).status.phase, Phase::syncing);
  seen.voice->progress->databases[0].stream->state = api::StreamState::holding;
  seen.now += Seconds(15);
  const Decision held = look(seen);
  EXPECT_THAT(names(held), IsEmpty());
  EXPECT_EQ(held.status.phase, Phase::paused);
  EXPECT_EQ(truth(held, "Ready"), Truth::no);
  EXPECT_EQ(reason(held), "Paused");
  EXPECT_EQ(reason(held, "Synced"), "Paused");
  EXPECT_THAT(message(held), HasSubstr("the source keeps 7.6 MB of its log"));
  EXPECT_EQ(held.status.sync->lag, "") << "nobody measures it";
  EXPECT_FALSE(stalled(held));
  EXPECT_FALSE(v1alpha1::is_true(held.status, "Reconciling"));
}

TEST(DecidePause, an_engine_that_cannot_hold_says_why) {
  Observed seen = in_state(State::paused);
  seen = after(seen, decide(seen));
  seen.voice->progress->databases[0].stream.emplace().error = "source is away";
  EXPECT_THAT(message(look(seen)), HasSubstr("database shop: source is away"));
  EXPECT_EQ(reason(look(seen)), "Pausing") << "nobody has said that nothing is applied any more";
  seen.voice->progress->databases[0].stream->state = api::StreamState::holding;
  seen = after(seen, look(seen));
  seen.voice->progress->databases[0].stream->state = api::StreamState::connecting;
  EXPECT_THAT(message(look(seen)), HasSubstr("database shop: source is away"));
  EXPECT_EQ(reason(look(seen)), "Paused") << "whom the pause has, it keeps";
}

TEST(DecidePause, running_goes_on_where_it_was) {
  Observed seen = in_state(State::paused);
  seen = after(seen, decide(seen));
  seen.object.spec.state = State::running;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  EXPECT_EQ(arguments(std::get<ApplyDeployment>(decision.actions[1]).object)[1], "--spec");
}

TEST(DecidePause, an_engine_that_still_holds_has_not_gone_on) {
  Observed seen = followed();
  seen.voice->progress->databases[0].stream->state = api::StreamState::holding;
  EXPECT_EQ(reason(look(seen)), "Connecting");
}

TEST(DecidePause, a_paused_stream_is_held_also_while_another_snapshot_is_asked_for) {
  Observed seen = in_state(State::paused);
  seen = after(seen, decide(seen));
  seen.object.spec.snapshot.request_id = "again";
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

TEST(DecidePause, before_the_copy_it_starts_nothing) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen.object.spec.state = State::paused;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(reason(decision, "Synced"), "Paused");
}

// --- stopped

TEST(DecideStop, the_engine_ends_before_the_release_begins) {
  Observed seen = in_state(State::stopped);
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  EXPECT_EQ(reason(ending), "Ending");
  EXPECT_EQ(truth(ending, "Ready"), Truth::no);
  seen.jobs.clear();
  seen.deployment.reset();
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "its pod still ends";
  seen.pods.clear();
  const Decision begin = look(seen);
  ASSERT_THAT(names(begin), ElementsAre("ApplyConfigMap", "CreateJob"));
  const kube::Object job = created_job(begin);
  EXPECT_EQ(arguments(job)[0], "release");
  EXPECT_EQ(arguments(job)[1], "--spec") << "the ledger stays";
  EXPECT_EQ(reason(begin), "Releasing");
  EXPECT_GT(begin.status.release->attempt, begin.status.snapshot->attempt);
}

TEST(DecideStop, it_is_stopped_when_the_source_holds_nothing_any_more) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 0, "Released");
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(reason(decision), "Stopped");
  EXPECT_EQ(decision.status.phase, Phase::stopped);
  EXPECT_EQ(decision.status.release->result, RunResult::succeeded);
  seen = after(seen, decision);
  EXPECT_EQ(look(seen).status, seen.object.status);
  seen.releases.clear();
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "it is not released twice";
}

TEST(DecideStop, what_runs_beside_a_release_does_not_outlive_it) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 0, "Released");
  seen.releases[0].state = JobState::active;
  seen.pods[0].finished = false;
  seen = after(seen, decide(seen));
  EXPECT_EQ(reason(look(seen)), "Stopped");
  seen.now += Seconds(60);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

TEST(DecideStop, going_back_takes_another_request) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 0, "Released");
  seen = after(seen, decide(seen));
  seen.object.spec.state = State::running;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(reason(decision, "Stalled"), "Released");
  EXPECT_THAT(message(decision), HasSubstr("spec.snapshot.requestID"));
  seen.object.spec.snapshot.request_id = "again";
  seen.object.generation = 3;
  const Decision again = look(seen);
  EXPECT_EQ(names(again).back(), "CreateJob");
  EXPECT_FALSE(again.status.release);
  EXPECT_GT(again.status.snapshot->attempt, seen.releases[0].attempt);
  seen = after(seen, again);
  EXPECT_FALSE(look(seen).status.release) << "the release was of the stream before";
}

TEST(DecideStop, a_release_that_failed_is_told_and_tried_again) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 1, "Unavailable");
  const Decision failed = look(seen);
  EXPECT_EQ(reason(failed), "Unavailable");
  EXPECT_THAT(message(failed), HasSubstr("it said so; another attempt is due at"));
  EXPECT_FALSE(stalled(failed)) << "the outage may pass";
  seen = after(seen, failed);
  seen.now = noon + back_off - Seconds(1);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Unavailable");
  seen.now += Seconds(1);
  const Decision again = look(seen);
  EXPECT_THAT(names(again), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
  EXPECT_GT(again.status.release->attempt, failed.status.release->attempt);
}

TEST(DecideStop, a_release_that_cannot_work_waits_for_a_person_and_tries_all_the_same) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 2, "SourceAccessDenied");
  const Decision failed = look(seen);
  EXPECT_TRUE(stalled(failed));
  EXPECT_TRUE(failed.recheck);
  seen = after(seen, failed);
  seen.object.generation = 3;
  EXPECT_EQ(names(look(seen)).back(), "CreateJob") << "the spec was changed";
}

TEST(DecideStop, a_release_under_way_is_finished_whatever_the_spec_comes_to_say) {
  Observed seen = releasing(in_state(State::stopped));
  seen.object.spec.state = State::running;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Releasing");
  seen = end_release(seen, 0, "Released");
  EXPECT_EQ(reason(look(seen), "Stalled"), "Released");
}

// --- a copy that failed for good

Observed failed_copy(int exit_code, const std::string& reason) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen = after(seen, decide(seen));
  Job& job = seen.jobs.at(0);
  job.state = JobState::failed;
  seen.pods = {pod_of(job, ended(exit_code, report(exit_code, reason, "it said so")))};
  return after(seen, decide(seen));
}

TEST(DecideFailedCopy, gives_back_what_it_held_on_the_source_and_still_says_why_it_failed) {
  Observed seen = failed_copy(1, "CopyFailed");
  const Decision begin = look(seen);
  EXPECT_EQ(reason(begin), "CopyFailed");
  EXPECT_EQ(reason(begin, "Synced"), "Releasing");
  ASSERT_THAT(names(begin), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(arguments(created_job(begin))[0], "release");
  seen = end_release(releasing(seen), 0, "Released");
  for (int round = 0; round < 2; ++round) {
    const Decision given_back = look(seen);
    EXPECT_THAT(names(given_back), IsEmpty());
    EXPECT_EQ(given_back.status.phase, Phase::failed);
    EXPECT_TRUE(stalled(given_back));
    EXPECT_EQ(reason(given_back), "CopyFailed");
    EXPECT_THAT(message(given_back), HasSubstr("it said so"));
    seen = after(seen, given_back);
  }
}

TEST(DecideFailedCopy, that_is_tried_again_keeps_what_it_has) {
  const Observed seen = failed_copy(1, "SourceUnreachable");
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "SourceUnreachable");
}

TEST(DecideStop, a_copy_under_way_ends_and_what_it_made_on_the_source_goes) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen = after(seen, decide(seen));
  seen.pods = {pod_of(seen.jobs[0], running())};
  seen.object.generation = 2;
  seen.object.spec.state = State::stopped;
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  seen.jobs.clear();
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(truth(look(seen), "SnapshotComplete"), Truth::no);
}

TEST(DecideStop, what_never_began_has_nothing_to_give_back) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen.object.spec.state = State::stopped;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Stopped");
}

// --- deletion

Observed deleted(Observed seen) {
  seen.object.deleted = seen.now;
  return seen;
}

TEST(DecideDelete, the_engine_ends_then_the_source_is_rid_of_it_then_the_object_goes) {
  Observed seen = deleted(followed());
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  EXPECT_EQ(ending.status.phase, Phase::deleting);
  seen = after(seen, ending);
  const Decision begin = look(seen);
  EXPECT_EQ(names(begin).back(), "CreateJob");
  EXPECT_EQ(arguments(created_job(begin))[1], "--forget");
  EXPECT_EQ(reason(begin), "Releasing");
  seen = after(seen, begin);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen = end_release(seen, 0, "Released");
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDelete, at_the_deadline_the_object_goes_and_an_event_holds_the_statements) {
  Observed seen = deleted(followed());
  seen = after(seen, decide(seen));
  seen = after(seen, decide(seen));
  seen.now += Seconds(300);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("Announce", "RemoveFinalizer"));
  const Announce& announce = std::get<Announce>(decision.actions[0]);
  EXPECT_EQ(announce.note.reason, "SourceObjectsLeft");
  EXPECT_EQ(announce.note.kind, kube::EventKind::warning);
  EXPECT_THAT(announce.note.note, HasSubstr("pg_drop_replication_slot('tributary_shop_0123456789ab')"));
  EXPECT_THAT(announce.note.note, HasSubstr("DROP PUBLICATION IF EXISTS tributary_shop_0123456789ab"));
  EXPECT_FALSE(announce.of_namespace);
  EXPECT_LE(announce.note.note.size(), 1024U);
}

TEST(DecideDelete, a_release_that_fails_does_not_keep_the_object_beyond_the_deadline) {
  Observed seen = deleted(followed());
  seen = after(seen, decide(seen));
  seen = end_release(after(seen, decide(seen)), 1, "Unavailable");
  seen = after(seen, decide(seen));
  seen.now += Seconds(299);
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
  EXPECT_LE(*look(seen).recheck, Milliseconds(1000));
  seen.now += Seconds(1);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob", "Announce", "RemoveFinalizer"));
}

TEST(DecideDelete, an_engine_that_does_not_end_is_left_with_two_events) {
  Observed seen = deleted(followed());
  seen.now += Seconds(300);
  EXPECT_THAT(names(look(seen)),
              ElementsAre("DeleteJob", "DeleteDeployment", "Announce", "Announce", "RemoveFinalizer"));
}

TEST(DecideDelete, many_slots_fit_into_the_event) {
  Observed seen = deleted(followed());
  seen.object.status.sync->slots.assign(30, std::string(63, 'x'));
  seen.now += Seconds(300);
  const Decision decision = look(seen);
  const Announce& announce = std::get<Announce>(decision.actions[3]);
  EXPECT_THAT(announce.note.note, ::testing::EndsWith("and so on for the others of status.sync.slots"));
  EXPECT_LE(announce.note.note.size(), 1024U);
}

TEST(DecideDelete, slots_that_nobody_named_are_to_be_looked_up) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen = deleted(after(seen, decide(seen)));
  seen.jobs.clear();
  seen.now += Seconds(300);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("Announce", "RemoveFinalizer"));
  EXPECT_THAT(std::get<Announce>(decision.actions[0]).note.note, HasSubstr("FROM pg_replication_slots"));
}

TEST(DecideDelete, in_a_namespace_that_ends_nothing_is_waited_for_and_the_event_goes_where_it_can) {
  Observed seen = deleted(followed());
  seen = after(seen, decide(seen));
  seen.terminating = true;
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("Announce", "RemoveFinalizer"));
  EXPECT_TRUE(std::get<Announce>(decision.actions[0]).of_namespace);
}

TEST(DecideDelete, with_retain_the_source_keeps_everything) {
  Observed seen = deleted(followed());
  seen.object.spec.source_objects = SourceObjects::retain;
  seen = after(seen, decide(seen));
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDelete, what_was_released_already_goes_at_once) {
  Observed seen = end_release(releasing(in_state(State::stopped)), 0, "Released");
  seen = deleted(after(seen, decide(seen)));
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDelete, a_copy_that_the_status_never_heard_of_is_given_back_too) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  const Decision begun = decide(seen);
  const v1alpha1::Status untold = seen.object.status;
  seen = after(seen, begun);
  seen.object.status = untold;
  seen.pods = {pod_of(seen.jobs.at(0), running())};
  seen = deleted(seen);
  seen = after(seen, decide(seen));
  EXPECT_THAT(seen.jobs, IsEmpty());
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
}

}  // namespace
}  // namespace tributary::replication
