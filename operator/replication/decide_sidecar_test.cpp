#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/decisions.h"

// A container that was injected into the engine's pod and does not end with the engine: the pod stays Running, and the
// Job never learns that its engine has ended.
namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::Phase;
using v1alpha1::RunResult;
using v1alpha1::Truth;

constexpr Seconds leave{60};  // after noon; the engine ended half a minute before

Observed beside_a_sidecar(Container engine) {
  Observed seen = with_engine(std::move(engine));
  seen.pods[0].finished = false;
  seen.now = noon + leave;
  return seen;
}

Observed recorded(const Observed& seen) {
  return after(seen, decide(seen));
}

// The next attempt of a recorded crash, run to the end of its engine.
Observed crashed_again(Observed seen) {
  seen.now += std::chrono::hours(1);
  seen = recorded(seen);  // its Job and pod go
  seen.now = noon;
  seen.object.status.snapshot->completion_time = rfc3339(noon - std::chrono::hours(1));
  seen = recorded(seen);
  seen.pods = {pod_of(seen.jobs.at(0), ended(137, "", "OOMKilled"))};
  seen.pods[0].finished = false;
  seen.now = noon + leave;
  return recorded(seen);
}

TEST(Sidecar, a_pod_has_half_a_minute_to_end_after_its_engine) {
  Observed seen = beside_a_sidecar(ended(137, "", "OOMKilled"));
  seen.now = noon + leave - Seconds(1);
  const Decision decision = look(seen);
  EXPECT_EQ(decision.status.snapshot->result, RunResult::none);
  EXPECT_THAT(message(decision), HasSubstr("another attempt follows"));
  EXPECT_TRUE(decision.recheck);
}

TEST(Sidecar, a_crash_beside_it_is_recorded_and_tried_again_by_another_job) {
  Observed seen = beside_a_sidecar(ended(137, "", "OOMKilled"));
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty()) << "recorded before anything else happens";
  EXPECT_EQ(decision.status.snapshot->result, RunResult::failed);
  EXPECT_EQ(decision.status.snapshot->crashes, 1);
  EXPECT_EQ(decision.status.snapshot->outages, 0);
  EXPECT_FALSE(stalled(decision));
  EXPECT_EQ(reason(decision), "OOMKilled");
  EXPECT_THAT(message(decision), HasSubstr("another attempt is due at " + rfc3339(noon + Seconds(90))));
  EXPECT_TRUE(wants_a_live_look(decision));

  seen = after(seen, decision);
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "its log can still be read";
  EXPECT_EQ(look(seen).recheck, Milliseconds(Seconds(30)));
  seen.now = noon + Seconds(90);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  EXPECT_EQ(reason(look(seen)), "Ending");
  seen = recorded(seen);
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "CreateJob"));
  seen = recorded(seen);
  EXPECT_EQ(seen.object.status.snapshot->attempt, 2);
  EXPECT_EQ(seen.object.status.snapshot->crashes, 1);
  EXPECT_EQ(seen.jobs.at(0).crashes, 1) << "the job itself is the record of its start";
}

TEST(Sidecar, each_end_beside_it_is_what_it_would_be_without) {
  struct Case {
    const char* sentence;
    Container engine;
    bool retried;
    int crashes;
    int outages;
  };
  const Case cases[] = {
      {"crash", ended(139), true, 1, 0},
      {"killed", ended(137), true, 1, 0},
      {"failure", ended(1, report(1, "SnapshotFailed", "disk full")), true, 1, 0},
      {"failure without a word", ended(1), true, 1, 0},
      {"outage", ended(1, report(1, "SourceUnreachable", "refused")), true, 0, 1},
      {"another engine's lock", ended(5, report(5, "Fenced", "held by another")), true, 0, 1},
      {"bad configuration", ended(2, report(2, "TargetNotEmpty", "it holds tables")), false, 0, 0},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sentence);
    const Decision decision = look(beside_a_sidecar(one.engine));
    EXPECT_EQ(decision.status.snapshot->result, RunResult::failed);
    EXPECT_EQ(stalled(decision), !one.retried);
    EXPECT_EQ(decision.status.snapshot->crashes, one.crashes);
    EXPECT_EQ(decision.status.snapshot->outages, one.outages);
  }
}

TEST(Sidecar, crashes_beside_it_use_up_the_limit) {
  Observed seen = beside_a_sidecar(ended(137, "", "OOMKilled"));
  seen.object.spec.snapshot.backoff_limit = 2;
  seen = crashed_again(recorded(seen));
  EXPECT_EQ(seen.object.status.snapshot->crashes, 2);
  EXPECT_FALSE(v1alpha1::is_true(seen.object.status, "Stalled"));
  seen = crashed_again(seen);
  EXPECT_TRUE(v1alpha1::is_true(seen.object.status, "Stalled"));
  const Decision decision = look(seen);
  EXPECT_EQ(decision.status.snapshot->attempt, 3);
  EXPECT_THAT(message(decision), HasSubstr("given up after 3 attempts"));
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob")) << "it goes before what its engines hold is given back";
}

TEST(Sidecar, attempts_that_its_job_counted_are_counted_too) {
  Observed seen = beside_a_sidecar(ended(1));
  seen.jobs[0].crashes = 2;
  seen.jobs[0].failed_pods = 3;
  EXPECT_EQ(look(seen).status.snapshot->crashes, 6);
  seen.jobs[0].failed_pods = 4;
  EXPECT_THAT(message(look(seen)), HasSubstr("given up after 7 attempts"));
  seen.jobs[0].state = JobState::failed;
  seen.jobs[0].fail_reason = "BackoffLimitExceeded";
  seen.jobs[0].failed_pods = 5;
  EXPECT_THAT(message(look(seen)), HasSubstr("given up after 7 attempts"));
}

TEST(Sidecar, a_limit_of_none_allows_one_attempt) {
  Observed seen = beside_a_sidecar(ended(1));
  seen.object.spec.snapshot.backoff_limit = 0;
  EXPECT_TRUE(stalled(look(seen)));
  EXPECT_THAT(message(look(seen)), HasSubstr("given up after 1 attempt"));
}

TEST(Sidecar, ends_after_a_success_that_was_recorded) {
  Observed seen = beside_a_sidecar(ended(0, report(0, "SnapshotComplete", "done"), "Completed"));
  seen.now = noon + leave - Seconds(1);
  const Decision first = look(seen);
  EXPECT_THAT(names(first), IsEmpty());
  EXPECT_EQ(first.status.snapshot->result, RunResult::succeeded);
  seen = after(seen, first);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(look(seen).recheck, Milliseconds(Seconds(1)));
  seen.now = noon + leave;
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  EXPECT_EQ(look(seen).status, seen.object.status);
  seen.jobs[0].deleting = true;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.jobs.clear();
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_FALSE(look(seen).recheck);
  EXPECT_EQ(look(seen).status, seen.object.status);
}

TEST(Sidecar, a_job_that_starts_another_engine_after_a_recorded_success_is_ended) {
  Observed seen = recorded(beside_a_sidecar(ended(0, report(0, "SnapshotComplete", "done"), "Completed")));
  seen.pods = {pod_of(seen.jobs[0], running())};
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob"));
  EXPECT_EQ(decision.status, seen.object.status);
}

TEST(Sidecar, a_job_that_goes_on_after_it_ended_late_goes_on_in_status_too) {
  Observed seen = recorded(beside_a_sidecar(ended(137, "", "OOMKilled")));
  ASSERT_EQ(seen.object.status.snapshot->result, RunResult::failed);
  seen.pods[0].finished = true;
  seen.jobs[0].failed_pods = 1;
  EXPECT_EQ(look(seen).status.snapshot->result, RunResult::none);
  EXPECT_TRUE(wants_a_live_look(look(seen)));
  EXPECT_EQ(look(seen).status.snapshot->crashes, 0) << "its job counts it now";
  EXPECT_THAT(message(look(seen)), HasSubstr("another attempt follows"));
  seen = recorded(seen);
  seen.pods.push_back(pod_of(seen.jobs[0], ended(0, report(0, "SnapshotComplete", "done"), "Completed")));
  EXPECT_EQ(look(seen).status.snapshot->result, RunResult::succeeded);
}

TEST(Sidecar, a_pod_that_is_being_deleted_takes_its_own_time) {
  Observed seen = beside_a_sidecar(ended(143));
  seen.pods[0].deleting = true;
  seen.now += std::chrono::minutes(10);
  EXPECT_EQ(look(seen).status.snapshot->result, RunResult::none);
  EXPECT_THAT(message(look(seen)), Not(HasSubstr("is due")));
}

}  // namespace
}  // namespace tributary::replication
