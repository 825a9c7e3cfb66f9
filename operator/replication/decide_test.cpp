#include "operator/replication/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Phase;
using v1alpha1::Truth;

// --- beginning

TEST(Decide, a_new_replication_gets_its_finalizer_before_its_config_map_and_job) {
  Observed seen = scene();
  seen.object.finalized = false;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("AddFinalizer", "ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(decision.status.phase, Phase::pending);
  EXPECT_EQ(reason(decision), "Starting");
  EXPECT_TRUE(v1alpha1::is_true(decision.status, "Reconciling"));
  EXPECT_EQ(truth(decision, "Validated"), Truth::unknown);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::no);
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::yes);
  EXPECT_EQ(decision.status.snapshot->attempt, 1);
  EXPECT_TRUE(wants_a_live_look(decision));
}

TEST(Decide, only_what_nobody_has_ever_worked_on_begins_untouched) {
  Observed seen = scene();
  seen.object.finalized = false;
  const Decision first = look(seen);
  EXPECT_TRUE(begins_untouched(seen, first));
  Observed held = seen;
  held.object.finalized = true;
  EXPECT_FALSE(begins_untouched(held, look(held)));
  Observed told = seen;
  told.object.status = first.status;
  EXPECT_FALSE(begins_untouched(told, first)) << "somebody took the finalizer";
  Observed worked_on = seen;
  worked_on.jobs = {job_of(seen)};
  EXPECT_FALSE(begins_untouched(worked_on, first));
  Observed contested = seen;
  contested.contested = true;
  EXPECT_FALSE(begins_untouched(contested, first)) << "the other may have begun unseen";
}

TEST(Decide, deciding_twice_on_the_same_scene_gives_the_same_job) {
  const Observed seen = scene();
  const auto job_in = [](const Decision& decision) {
    return std::get<CreateJob>(decision.actions.back()).object.json();
  };
  EXPECT_EQ(job_in(decide(seen)), job_in(decide(seen)));
}

TEST(Decide, a_job_that_is_there_is_adopted_even_if_the_status_never_heard_of_it) {
  Observed seen = scene();
  seen.jobs = {job_of(seen)};
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status.snapshot->job_name, seen.jobs[0].name);
  EXPECT_EQ(decision.status.snapshot->attempt, 1);
  EXPECT_EQ(decision.status.credentials, seen.secrets);
}

TEST(Decide, a_spec_with_a_flaw_starts_nothing) {
  Observed seen = scene();
  seen.object.finalized = false;
  seen.object.spec.target = seen.object.spec.source;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(reason(decision), "InvalidSpec");
  EXPECT_FALSE(decision.recheck);
}

TEST(Decide, a_missing_secret_is_named_and_awaited) {
  Observed seen = scene();
  seen.secrets.pop_back();
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::no);
  EXPECT_THAT(message(decision), HasSubstr("secret shop-target does not exist in namespace prod"));
  EXPECT_FALSE(stalled(decision));
  ASSERT_TRUE(decision.recheck);
  seen.object.status = decision.status;
  seen.now += std::chrono::minutes(5);
  EXPECT_TRUE(stalled(look(seen)));
  seen.secrets = scene().secrets;
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
}

TEST(Decide, both_missing_secrets_are_named) {
  Observed seen = scene();
  seen.secrets.clear();
  EXPECT_THAT(message(look(seen)), HasSubstr("secrets shop-source and shop-target do not exist"));
}

// --- the engine at work

TEST(Decide, progress_becomes_rounded_status) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status.phase, Phase::snapshotting);
  EXPECT_EQ(decision.status.progress, "42%");
  EXPECT_EQ(reason(decision), "Copying");
  EXPECT_EQ(decision.status.snapshot->rows_copied, 120'000U);
  EXPECT_EQ(decision.status.snapshot->bytes_copied, 7'800'000U);
  EXPECT_EQ(decision.status.databases.at(0).name, "shop");
  EXPECT_EQ(message(decision), "1 table of 4 done, 7.8 MB copied (42%)");
  EXPECT_EQ(truth(decision, "Validated"), Truth::yes);
}

TEST(Decide, a_young_job_is_looked_at_often_and_an_older_one_every_15_seconds) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  seen.now = noon + Seconds(59);
  EXPECT_EQ(look(seen).recheck, Milliseconds(5000));
  seen.now = noon + Seconds(60);
  EXPECT_EQ(look(seen).recheck, Milliseconds(15'000));
}

TEST(Decide, a_few_rows_more_change_nothing) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  seen.object.status = decide(seen).status;
  seen.voice->progress->databases[0].rows_copied += 1000;
  seen.voice->progress->databases[0].bytes_copied += 1000;
  seen.now += Seconds(5);
  EXPECT_EQ(look(seen).status, seen.object.status);
}

TEST(Decide, a_running_engine_never_says_100_percent) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(100)};
  EXPECT_EQ(look(seen).status.progress, "99%");
}

TEST(Decide, what_the_engine_retries_is_in_the_message_and_no_standstill) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = api::Progress{}};
  seen.voice->progress->phase = api::Phase::waiting;
  seen.voice->progress->message = "connection to 10.1.1.1:5432 refused";
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Retrying");
  EXPECT_EQ(message(decision), "connection to 10.1.1.1:5432 refused");
  EXPECT_FALSE(stalled(decision));
}

TEST(Decide, an_engine_that_does_not_answer_yet_is_no_news) {
  Observed seen = with_engine(running());
  seen.voice.emplace().silent_since = noon;
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Starting");
  EXPECT_EQ(truth(decision, "Ready"), Truth::no);
}

TEST(Decide, an_engine_silent_for_a_minute_makes_ready_unknown_until_it_answers) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  seen.object.status = decide(seen).status;
  seen.voice.emplace().silent_since = noon;
  seen.now = noon + Seconds(59);
  EXPECT_EQ(look(seen).status, seen.object.status);
  seen.now = noon + Seconds(60);
  const Decision silent = look(seen);
  EXPECT_EQ(truth(silent, "Ready"), Truth::unknown);
  EXPECT_EQ(reason(silent), "EngineUnreachable");
  EXPECT_THAT(message(silent), HasSubstr("NetworkPolicy"));
  EXPECT_EQ(silent.status.progress, "42%");
  seen.object.status = silent.status;
  seen.voice = Voice{.progress = copying(43)};
  EXPECT_EQ(reason(look(seen)), "Copying");
}

// --- pods in trouble

struct Trouble {
  const char* sentence;
  const char* reason;
  const char* words;
  Observed seen;
};

Observed without_pod(const std::string& refusal) {
  Observed seen = with_engine({});
  seen.pods.clear();
  seen.refusal = refusal;
  return seen;
}

Observed unschedulable() {
  Observed seen = with_engine({});
  seen.pods[0].unschedulable = "0/3 nodes are available";
  return seen;
}

std::vector<Trouble> troubles() {
  return {
      {"image name", "InvalidImageName", "couldn't parse", with_engine(waiting("InvalidImageName", "couldn't parse"))},
      {"no image", "ImagePullBackOff", "no-such", with_engine(waiting("ImagePullBackOff", "back-off no-such"))},
      {"no image at first", "ImagePullBackOff", "not found", with_engine(waiting("ErrImagePull", "not found"))},
      {"config", "CreateContainerConfigError", "runAsNonRoot",
       with_engine(waiting("CreateContainerConfigError", "runAsNonRoot and image has root"))},
      {"no node", "Unschedulable", "0/3 nodes", unschedulable()},
      {"quota", "QuotaExceeded", "its pod: exceeded quota: none",
       without_pod("Error creating: pods \"shop-1-x7k2p\" is forbidden: exceeded quota: none")},
      {"pod security", "PodSecurityDenied", "violates PodSecurity",
       without_pod("pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"")},
      {"someone's webhook", "PodRefused", "denied the request", without_pod("admission webhook denied the request")},
  };
}

TEST(Decide, each_pod_trouble_is_told_at_once_and_stalls_after_ten_minutes) {
  for (Trouble& trouble : troubles()) {
    SCOPED_TRACE(trouble.sentence);
    const Decision fresh = look(trouble.seen);
    EXPECT_EQ(reason(fresh), trouble.reason);
    EXPECT_THAT(message(fresh), HasSubstr(trouble.words));
    EXPECT_EQ(reason(fresh, "Reconciling"), trouble.reason);
    EXPECT_FALSE(stalled(fresh));
    EXPECT_TRUE(fresh.recheck);
    trouble.seen.now += std::chrono::minutes(10);
    EXPECT_TRUE(stalled(look(trouble.seen)));
    // It may still mend itself.
    trouble.seen.object.status = decide(trouble.seen).status;
    trouble.seen.pods = {pod_of(trouble.seen.jobs[0], running())};
    trouble.seen.voice = Voice{.progress = copying(1)};
    EXPECT_FALSE(stalled(look(trouble.seen)));
  }
}

TEST(Decide, kubelets_two_words_for_a_missing_image_do_not_make_the_status_swing) {
  Observed seen = with_engine(waiting("ErrImagePull", "manifest unknown"));
  seen.object.status = decide(seen).status;
  seen.pods[0].engine = waiting("ImagePullBackOff", "Back-off pulling image");
  EXPECT_EQ(look(seen).status, seen.object.status);
}

TEST(Decide, a_failed_attempt_is_told_while_the_job_starts_the_next) {
  struct Case {
    const char* reason;
    const char* words;
    Container engine;
    const char* eviction;
  };
  const Case cases[] = {
      {"OOMKilled", "spec.template.resources.limits.memory", ended(137, "", "OOMKilled"), ""},
      {"Evicted", "low on memory", ended(137, ""), "The node was low on memory"},
      {"EngineCrashed", "signal 11", ended(139, ""), ""},
      {"EngineFailed", "exit code 1", ended(1, ""), ""},
      {"SourceGone", "it went away", ended(1, report(1, "SourceGone", "it went away")), ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    Observed seen = with_engine(one.engine);
    seen.pods[0].eviction = one.eviction;
    const Decision decision = look(seen);
    EXPECT_EQ(reason(decision), one.reason);
    EXPECT_THAT(message(decision), HasSubstr(one.words));
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_FALSE(stalled(decision));
  }
}

TEST(Decide, a_pod_that_ended_without_its_engine_is_told) {
  Observed seen = with_engine({});
  seen.pods[0].finished = true;
  EXPECT_EQ(reason(look(seen)), "EngineLost");
}

TEST(Decide, a_job_without_a_pod_and_without_a_complaint_is_just_starting) {
  const Decision decision = look(without_pod(""));
  EXPECT_EQ(reason(decision), "Starting");
  EXPECT_THAT(message(decision), HasSubstr("is creating its pod"));
}

TEST(Decide, a_pod_that_is_being_ended_is_told_and_its_last_words_do_not_stand_for_ever) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  seen.object.status = decide(seen).status;
  seen.voice.reset();
  seen.pods[0].deleting = true;
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "PodTerminating");
  EXPECT_THAT(message(decision), HasSubstr(seen.pods[0].name));
  EXPECT_EQ(decision.status.phase, Phase::snapshotting);
  EXPECT_FALSE(stalled(decision));
}

TEST(Decide, a_pod_that_waits_for_long_gets_its_config_map_again) {
  Observed seen = with_engine(waiting("ContainerCreating", ""));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now += Seconds(10);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("RestoreConfigMap"));
  EXPECT_EQ(std::get<RestoreConfigMap>(decision.actions[0]).object.name(), seen.jobs[0].name);
}

TEST(Decide, a_config_map_is_restored_under_the_name_that_its_job_mounts) {
  Observed seen = with_engine(waiting("ContainerCreating", ""));
  seen.jobs[0].name = "named-by-an-older-release";
  seen.jobs[0].inputs_hash = "of an older release";
  seen.jobs[0].failed_pods = 1;
  seen.now += Seconds(10);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("RestoreConfigMap"));
  EXPECT_EQ(std::get<RestoreConfigMap>(decision.actions[0]).object.name(), seen.jobs[0].name);
}

}  // namespace
}  // namespace tributary::replication
