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
using ::testing::Not;
using v1alpha1::Mode;
using v1alpha1::Phase;
using v1alpha1::State;
using v1alpha1::Truth;

Observed copied() {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen = after(seen, decide(seen));
  seen.pods = {pod_of(seen.jobs.at(0), ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
  seen.jobs[0].state = JobState::complete;
  return after(seen, decide(seen));
}

// --- from the copy to the stream

TEST(DecideFollow, a_complete_copy_is_not_yet_a_promise_kept) {
  const Observed seen = copied();
  EXPECT_EQ(seen.object.status.phase, Phase::syncing);
  EXPECT_FALSE(v1alpha1::is_true(seen.object.status, "Ready"));
  EXPECT_TRUE(v1alpha1::is_true(seen.object.status, "SnapshotComplete"));
  EXPECT_EQ(seen.object.status.progress, "100%");
}

TEST(DecideFollow, the_deployment_comes_after_the_recorded_copy) {
  const Decision decision = look(copied());
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  EXPECT_EQ(reason(decision), "Starting");
  EXPECT_EQ(reason(decision, "Synced"), "Starting");
  EXPECT_TRUE(wants_a_live_look(decision));
}

TEST(DecideFollow, the_deployment_waits_until_nothing_of_the_job_can_write) {
  Observed seen = copied();
  seen.pods[0].finished = false;  // beside the engine a sidecar runs
  const Decision early = look(seen);
  EXPECT_THAT(names(early), IsEmpty());
  EXPECT_EQ(reason(early), "Ending");
  EXPECT_TRUE(early.recheck);
  seen.now = noon + Seconds(60);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  seen.jobs[0].deleting = true;
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.jobs.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
}

TEST(DecideFollow, deciding_twice_gives_the_same_deployment_and_one_that_is_there_is_left_alone) {
  Observed seen = followed();
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status, seen.object.status);
  EXPECT_EQ(decision.recheck, Milliseconds(5000));
  seen.now = noon + Seconds(61);
  EXPECT_EQ(look(seen).recheck, Milliseconds(15'000));
}

TEST(DecideFollow, mode_sync_follows_at_once_what_the_command_line_began) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::sync;
  seen.object.finalized = false;
  EXPECT_THAT(names(look(seen)), ElementsAre("AddFinalizer", "ApplyConfigMap", "ApplyDeployment"));
  const Decision running = look(followed(Mode::sync));
  EXPECT_EQ(truth(running, "Ready"), Truth::yes);
  EXPECT_EQ(v1alpha1::find_condition(running.status, "SnapshotComplete"), nullptr);
}

TEST(DecideFollow, mode_sync_waits_for_its_secrets_and_for_its_state) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::sync;
  seen.secrets.clear();
  EXPECT_EQ(reason(look(seen)), "SecretNotFound");
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen = scene();
  seen.object.spec.mode = Mode::sync;
  seen.object.spec.state = State::paused;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Paused");
}

// --- what replaces the pod and what does not

TEST(DecideFollow, only_what_the_engine_is_started_with_replaces_its_pod) {
  struct Case {
    const char* sentence;
    bool matters;
    void (*change)(Observed&);
  };
  using S = Observed&;
  const Case cases[] = {
      {"lag limit", false, [](S s) { s.object.spec.sync.max_lag = Seconds(5); }},
      {"parallelism", false, [](S s) { s.object.spec.snapshot.parallelism = 9; }},
      {"a schedule of comparisons", false, [](S s) { s.object.spec.verify.schedule = "@yearly"; }},
      {"timeouts", false, [](S s) { s.object.spec.snapshot.timeout = Seconds(9); }},
      {"deletion", false, [](S s) { s.object.spec.deletion_timeout = Seconds(9); }},
      {"a new generation", false, [](S s) { s.object.generation = 9; }},
      {"a rotated secret, which a running engine reads anew", false, [](S s) { s.secrets[0].resource_version = "99"; }},
      {"ssl mode", true, [](S s) { s.object.spec.source.ssl_mode = "require"; }},
      {"schema changes", true, [](S s) { s.object.spec.sync.schema_changes = v1alpha1::SchemaChanges::stop; }},
      {"refresh interval", true, [](S s) { s.object.spec.sync.refresh_interval = Seconds(9); }},
      {"recopy", true,
       [](S s) {
         s.object.spec.recopy = {"first", {"shop.public.t"}};
       }},
      {"publication", true, [](S s) { s.object.spec.publication = "theirs"; }},
      {"resources", true,
       [](S s) {
         s.object.spec.pod.resources = {{"limits", {{"memory", "2Gi"}}}};
       }},
      {"image of the object", true, [](S s) { s.object.spec.pod.image = "mine:1"; }},
      {"image of the operator", true, [](S s) { s.image = "tributary:newer"; }},
      {"state", true, [](S s) { s.object.spec.state = State::paused; }},
      {"scaled by somebody", true, [](S s) { s.deployment->replicas = 0; }},
  };
  for (const Case& one : cases) {
    Observed seen = followed();
    one.change(seen);
    const Decision decision = look(seen);
    if (one.matters) {
      EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "ApplyDeployment")) << one.sentence;
      EXPECT_THAT(names(look(after(seen, decision))), IsEmpty()) << one.sentence;
    } else {
      EXPECT_THAT(names(decision), IsEmpty()) << one.sentence;
    }
  }
}

TEST(DecideFollow, another_image_of_the_operator_replaces_ten_pods_at_once_and_no_more) {
  Observed seen = followed();
  seen.image = "tributary:newer";
  seen.rolling = 10;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
  seen.rolling = 9;
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  seen.rolling = 10;
  seen.object.generation = 2;
  seen.object.spec.state = State::paused;
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "ApplyDeployment")) << "somebody asked for it";
}

TEST(DecideFollow, a_mended_secret_starts_an_engine_that_has_ended_at_once) {
  Observed seen = followed();
  seen.pods.back().engine = waiting("CrashLoopBackOff", "back-off 5m0s");
  seen.pods.back().last_end = ended(2, report(2, "SourceAccessDenied", "password refused"));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.secrets[0].resource_version = "99";
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  EXPECT_EQ(decision.status.credentials, seen.secrets);
  seen = after(seen, decision);
  seen.pods.back() = stream_pod(running());
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

// --- lag

TEST(DecideFollow, ready_is_true_while_every_stream_follows_within_the_limit) {
  const Decision decision = look(followed());
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(truth(decision, "Synced"), Truth::yes);
  EXPECT_EQ(truth(decision, "Validated"), Truth::yes);
  EXPECT_EQ(reason(decision), "Following");
  EXPECT_EQ(decision.status.phase, Phase::syncing);
  const v1alpha1::SyncStatus& sync = *decision.status.sync;
  EXPECT_EQ(sync.method, "Logical");
  EXPECT_EQ(sync.lag, "0s");
  EXPECT_EQ(sync.lag_seconds, 0U);
  EXPECT_EQ(sync.received_position, "0/3000");
  EXPECT_EQ(sync.applied_position, "0/2000");
  EXPECT_EQ(sync.last_transaction_time, "2023-11-14T22:13:20Z");
  EXPECT_EQ(sync.retained_bytes, 7'600'000U);
  EXPECT_THAT(sync.slots, ElementsAre("tributary_shop_0123456789ab"));
  EXPECT_EQ(sync.observed_time, rfc3339(noon));
}

TEST(DecideFollow, more_lag_than_the_limit_is_told_at_once_and_passes) {
  Observed seen = followed();
  seen.now += Seconds(5);
  seen.voice->progress = following(61);
  const Decision late = look(seen);
  EXPECT_EQ(truth(late, "Ready"), Truth::no);
  EXPECT_EQ(truth(late, "Synced"), Truth::no);
  EXPECT_EQ(reason(late), "LagTooHigh");
  EXPECT_THAT(message(late), HasSubstr("1m1s behind"));
  EXPECT_FALSE(stalled(late));
  EXPECT_EQ(late.status.sync->lag, "1m1s");
  seen = after(seen, late);
  seen.now += Seconds(5);
  seen.voice->progress = following(60);
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
  seen.object.spec.sync.max_lag = Seconds(0);
  seen.voice->progress = following(9'999);
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes) << "no limit";
}

TEST(DecideFollow, the_limit_is_held_against_the_engines_own_number_and_not_the_rounded_one) {
  Observed seen = followed();
  seen.object.spec.sync.max_lag = Seconds(105);
  seen.voice->progress = following(106);
  EXPECT_EQ(reason(look(seen)), "LagTooHigh");
  seen.voice->progress = following(105);
  EXPECT_EQ(reason(look(seen)), "Following");
}

TEST(DecideFollow, lag_alone_is_written_every_15_seconds_and_positions_alone_every_minute) {
  const Observed first = followed();
  const auto written = [&](Seconds later, api::Progress progress) {
    Observed seen = first;
    seen.now += later;
    seen.voice->progress = std::move(progress);
    return look(seen).status != first.object.status;
  };
  api::Progress moved = following(0);
  moved.databases[0].stream->applied = "0/9000";
  EXPECT_FALSE(written(Seconds(14), following(3)));
  EXPECT_TRUE(written(Seconds(15), following(3)));
  EXPECT_FALSE(written(Seconds(59), moved));
  EXPECT_TRUE(written(Seconds(60), moved));
}

TEST(DecideFollow, of_several_databases_the_one_furthest_behind_is_told) {
  Observed seen = followed();
  seen.voice->progress->databases.push_back(following(12).databases[0]);
  seen.voice->progress->databases[1].name = "crm";
  seen.voice->progress->databases[1].stream->slot = "tributary_crm_0123456789ab";
  seen.voice->progress->databases[1].stream->applied = "0/1000";
  const Decision decision = look(seen);
  EXPECT_EQ(decision.status.sync->lag, "12s");
  EXPECT_EQ(decision.status.sync->applied_position, "0/1000");
  EXPECT_EQ(decision.status.sync->slots.size(), 2U);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
}

TEST(DecideFollow, one_stream_that_only_connects_is_not_ready_and_its_lag_is_not_known) {
  Observed seen = followed();
  api::DatabaseProgress& crm = seen.voice->progress->databases.emplace_back();
  crm.name = "crm";
  crm.stream.emplace().error = "connection to 10.1.1.1:5432 refused";
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Ready"), Truth::no);
  EXPECT_EQ(reason(decision), "Connecting");
  EXPECT_EQ(message(decision), "database crm: connection to 10.1.1.1:5432 refused");
  EXPECT_EQ(decision.status.sync->lag, "");
  EXPECT_FALSE(decision.status.sync->lag_seconds);
  EXPECT_EQ(decision.status.sync->applied_position, "0/2000");
  EXPECT_FALSE(stalled(decision)) << "it connects again by itself";
}

TEST(DecideFollow, an_engine_that_waits_for_its_servers_says_why) {
  Observed seen = followed();
  seen.voice->progress->phase = api::Phase::waiting;
  seen.voice->progress->message = "no route to host";
  seen.voice->progress->databases.clear();
  EXPECT_EQ(reason(look(seen)), "Connecting");
  EXPECT_EQ(message(look(seen)), "no route to host");
}

// --- silence

TEST(DecideFollow, an_engine_silent_for_a_minute_makes_ready_unknown_until_it_answers) {
  Observed seen = followed();
  seen.now += Seconds(59);
  seen.voice.emplace().silent_since = noon;
  EXPECT_EQ(look(seen).status, seen.object.status);
  seen.now = noon + Seconds(60);
  const Decision silent = look(seen);
  EXPECT_EQ(truth(silent, "Ready"), Truth::unknown);
  EXPECT_EQ(truth(silent, "Synced"), Truth::unknown);
  EXPECT_EQ(reason(silent), "EngineUnreachable");
  EXPECT_THAT(message(silent), HasSubstr("NetworkPolicy"));
  EXPECT_THAT(message(silent), HasSubstr("mesh"));
  EXPECT_EQ(silent.status.sync->lag, "") << "nobody knows it";
  EXPECT_EQ(silent.status.sync->observed_time, rfc3339(noon));
  seen = after(seen, silent);
  seen.voice = Voice{.progress = following(0)};
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
}

TEST(DecideFollow, an_operator_that_has_just_begun_to_listen_does_not_trust_an_old_word) {
  Observed seen = followed();
  seen.now += Seconds(600);
  seen.voice.emplace().silent_since = seen.now;
  EXPECT_EQ(reason(look(seen)), "EngineUnreachable");
}

TEST(DecideFollow, an_engine_that_never_answered_is_just_starting) {
  Observed seen = copied();
  seen = after(seen, decide(seen));
  seen.pods.push_back(stream_pod(running()));
  EXPECT_EQ(reason(look(seen)), "Starting");
}

// --- the spec asks for something else

TEST(DecideFollow, a_stream_goes_on_when_the_spec_comes_to_ask_for_something_else_and_says_so) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.tables.exclude = {"shop.public.sessions"};
  Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  decision = look(after(seen, decision));
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(reason(decision), "SpecChanged");
  EXPECT_EQ(reason(decision, "SnapshotComplete"), "SpecChanged");
}

TEST(DecideFollow, another_request_ends_the_stream_before_it_copies_again) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.snapshot.request_id = "again";
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  EXPECT_EQ(reason(ending), "Ending");
  seen.deployment->deleting = true;
  seen.jobs.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.deployment.reset();
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "its pod still ends";
  seen.pods.clear();
  const Decision again = look(seen);
  EXPECT_THAT(names(again), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_FALSE(again.status.sync);
  EXPECT_EQ(truth(again, "Synced"), Truth::no);
}

TEST(DecideFollow, a_deployment_that_somebody_deleted_comes_back_when_its_pod_has_ended) {
  Observed seen = followed();
  seen.deployment.reset();
  seen.pods.back().deleting = true;
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "two would follow at once";
  EXPECT_EQ(reason(look(seen)), "Ending");
  seen.pods.pop_back();
  seen.pods.push_back({.name = "compares", .verifies = true});
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "ApplyDeployment")) << "which a comparison waits for";
}

TEST(DecideFollow, a_job_that_copies_ends_a_deployment_that_should_not_be_there) {
  Observed seen = followed();
  const Deployment stray = *seen.deployment;
  seen = scene();
  seen.object.spec.mode = Mode::snapshot_and_sync;
  seen = after(seen, decide(seen));
  seen.deployment = stray;
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteDeployment"));
}

// --- rivals

TEST(DecideFollow, who_comes_second_to_a_target_stalls_and_goes_on_when_the_first_is_gone) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync, Mode::sync}) {
    Observed seen = scene();
    seen.object.spec.mode = mode;
    seen.object.finalized = false;
    seen.rival = "older";
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_TRUE(stalled(decision));
    EXPECT_EQ(reason(decision, "Stalled"), "TargetConflict");
    EXPECT_THAT(message(decision), HasSubstr("replication older"));
    EXPECT_TRUE(decision.recheck);
    seen = after(seen, decision);
    seen.rival.clear();
    EXPECT_THAT(names(look(seen)), Not(IsEmpty()));
  }
}

}  // namespace
}  // namespace tributary::replication
