#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Truth;

// --- an engine that ends, which Kubernetes starts again

struct End {
  const char* sentence;
  Container end;
  const char* reason;
  const char* words;
  bool stalls;
};

std::vector<End> ends() {
  return {
      {"lost position", ended(4, report(4, "PositionLost", "slot x is gone", "give snapshot.requestID another value")),
       "PositionLost", "slot x is gone (hint: give snapshot.requestID another value)", true},
      {"lost position without a word", ended(4, ""), "PositionLost", "spec.snapshot.requestID", true},
      {"bad configuration", ended(2, report(2, "SourceAccessDenied", "password refused")), "SourceAccessDenied",
       "password refused", true},
      {"fenced", ended(5, report(5, "Fenced", "another engine holds it")), "Fenced", "another engine holds it", false},
      {"failure", ended(1, report(1, "SyncFailed", "odd message")), "SyncFailed", "odd message; it is started again",
       false},
      {"crash", ended(139, ""), "EngineCrashed", "signal 11", false},
      {"out of memory", ended(137, "", "OOMKilled"), "OOMKilled", "limits.memory", false},
      {"stopped by hand", ended(0, report(0, "Stopped", "stopped")), "Starting", "started again", false},
  };
}

TEST(DecideEnd, how_the_engine_ended_is_told_while_it_is_started_again) {
  for (const End& one : ends()) {
    SCOPED_TRACE(one.sentence);
    Observed seen = followed();
    seen.voice.reset();
    for (const bool backing_off : {false, true}) {
      Pod& pod = seen.pods.back();
      pod.engine = backing_off ? waiting("CrashLoopBackOff", "back-off 10s") : one.end;
      if (backing_off) pod.last_end = one.end;
      const Decision decision = look(seen);
      EXPECT_THAT(names(decision), IsEmpty()) << "nothing makes the slot again";
      EXPECT_EQ(truth(decision, "Ready"), Truth::no);
      EXPECT_EQ(truth(decision, "Synced"), Truth::no);
      EXPECT_EQ(reason(decision), one.reason);
      EXPECT_EQ(reason(decision, "Synced"), one.reason);
      EXPECT_THAT(message(decision), HasSubstr(one.words));
      EXPECT_EQ(stalled(decision), one.stalls);
      EXPECT_EQ(decision.status.sync->lag, "");
    }
  }
}

TEST(DecideEnd, a_missing_key_is_told_with_the_secrets_name) {
  Observed seen = followed();
  seen.pods.back().engine = ended(2, report(2, "SourceMisconfigured", "secret for source has no key host"));
  seen.voice.reset();
  const Decision decision = look(seen);
  EXPECT_EQ(message(decision, "Stalled"), "secret shop-source has no key host");
  EXPECT_EQ(message(decision, "CredentialsSynced"), "secret shop-source has no key host");
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::no);
}

TEST(DecideEnd, its_next_start_changes_nothing_until_it_follows_or_has_lived_for_half_a_minute) {
  for (const End& one : ends()) {
    SCOPED_TRACE(one.sentence);
    Observed seen = followed();
    seen.pods.back().engine = waiting("CrashLoopBackOff", "back-off 10s");
    seen.pods.back().last_end = one.end;
    seen.voice.reset();
    const v1alpha1::Status before = decide(seen).status;
    seen.object.status = before;
    seen.pods.back().engine = running();
    EXPECT_EQ(look(seen).status, before) << "without a word";
    seen.voice = Voice{.progress = following(0)};
    seen.voice->progress->phase = api::Phase::preparing;
    seen.voice->progress->databases.clear();
    EXPECT_EQ(reason(look(seen)), one.reason) << "while it connects";
    seen.now += Seconds(30);
    EXPECT_EQ(reason(look(seen)), "Connecting") << "it outlived that";
    seen.now = noon + Seconds(2);
    seen.voice->progress = following(0);
    EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes) << "it follows";
  }
}

TEST(DecideEnd, an_engine_that_goes_on_failing_stalls_after_ten_minutes) {
  Observed seen = followed();
  seen.voice.reset();
  seen.pods.back().engine = waiting("CrashLoopBackOff", "back-off 5m0s");
  seen.pods.back().last_end = ended(1, report(1, "SyncFailed", "odd message"));
  seen = after(seen, decide(seen));
  EXPECT_FALSE(stalled(look(seen)));
  seen.now += std::chrono::minutes(10);
  EXPECT_TRUE(stalled(look(seen)));
  seen.pods.back().last_end = ended(5, report(5, "Fenced", "another engine holds it"));
  EXPECT_FALSE(stalled(look(seen))) << "its holder may go";
}

TEST(DecideEnd, after_a_lost_position_only_another_request_begins_anew) {
  Observed seen = followed();
  seen.voice.reset();
  seen.pods.back().engine = waiting("CrashLoopBackOff", "back-off 10s");
  seen.pods.back().last_end = ended(4, report(4, "PositionLost", "slot x is gone"));
  seen = after(seen, decide(seen));
  seen.object.generation = 2;
  seen.object.spec.snapshot.parallelism = 4;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_TRUE(stalled(look(seen)));
  seen.object.spec.snapshot.request_id = "again";
  seen = after(seen, decide(seen));
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
}

TEST(DecideEnd, pods_in_trouble_are_told_as_those_of_a_job) {
  struct Case {
    const char* reason;
    Container engine;
  };
  for (const Case& one : {Case{"ImagePullBackOff", waiting("ImagePullBackOff", "no-such")},
                          Case{"CreateContainerConfigError", waiting("CreateContainerConfigError", "root")},
                          Case{"Starting", waiting("ContainerCreating", "")}}) {
    Observed seen = followed();
    seen.pods.back().engine = one.engine;
    seen.voice.reset();
    EXPECT_EQ(reason(look(seen)), one.reason);
    EXPECT_EQ(truth(look(seen), "Synced"), Truth::no);
  }
  Observed seen = followed();
  seen.pods.pop_back();
  seen.voice.reset();
  EXPECT_EQ(reason(look(seen)), "Starting");
  seen.deployment->refusal = "pods \"x\" is forbidden: exceeded quota: none";
  EXPECT_EQ(reason(look(seen)), "QuotaExceeded");
  seen = followed();
  seen.pods.back().deleting = true;
  EXPECT_EQ(reason(look(seen)), "PodTerminating");
}

TEST(DecideEnd, a_stream_that_waits_for_its_config_map_gets_it_again) {
  Observed seen = followed();
  seen.pods.back().engine = waiting("ContainerCreating", "");
  seen.voice.reset();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now += Seconds(10);
  EXPECT_THAT(names(look(seen)), ElementsAre("RestoreConfigMap"));
}

}  // namespace
}  // namespace tributary::replication
