#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/decisions.h"

// Streams whose own engine is ordered to give back what they hold.
namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::Phase;
using v1alpha1::RunResult;
using v1alpha1::State;
using v1alpha1::Truth;

Observed stopped() {
  Observed seen = followed();
  seen.release_token_hash = "hash";
  seen.object.generation = 2;
  seen.object.spec.state = State::stopped;
  return seen;
}

Observed deleted() {
  Observed seen = stopped();
  seen.object.spec.state = State::running;
  seen.object.deleted = seen.now;
  return seen;
}

OrderRelease order_in(const Decision& decision) {
  for (const Action& action : decision.actions) {
    if (const auto* order = std::get_if<OrderRelease>(&action)) return *order;
  }
  return {"none"};
}

TEST(DecideOrder, the_engine_of_a_stopped_stream_gives_back_what_it_holds_and_is_ended_then) {
  Observed seen = stopped();
  const Decision asking = look(seen);
  ASSERT_THAT(names(asking), ElementsAre("OrderRelease"));
  EXPECT_EQ(order_in(asking).pod_ip, "10.0.0.8");
  EXPECT_FALSE(order_in(asking).forget) << "the ledger stays";
  EXPECT_TRUE(order_in(asking).first);
  EXPECT_TRUE(wants_a_live_look(asking));
  EXPECT_EQ(reason(asking), "Releasing");
  EXPECT_EQ(truth(asking, "Ready"), Truth::no);
  seen = after(seen, asking);
  seen.now += Seconds(1);
  EXPECT_FALSE(order_in(look(seen)).first);
  seen.release_answer = ReleaseAnswer::released;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  EXPECT_EQ(ending.status.release->result, RunResult::succeeded);
  EXPECT_EQ(reason(ending, "SourceReleased"), "Released") << "while its pod ends";
  seen = after(seen, ending);
  EXPECT_EQ(truth(look(seen), "SourceReleased"), Truth::yes);
  const Decision done = look(seen);
  EXPECT_THAT(names(done), IsEmpty());
  EXPECT_EQ(reason(done), "Stopped");
  EXPECT_EQ(done.status.phase, Phase::stopped);
}

TEST(DecideOrder, its_last_words_count_where_nobody_heard_it) {
  Observed seen = stopped();
  seen = after(seen, look(seen));
  seen.pods.back() = stream_pod(waiting("CrashLoopBackOff", "back-off"));
  seen.pods.back().last_end = ended(0, report(0, "Released", "done"));
  EXPECT_EQ(look(seen).status.release->result, RunResult::succeeded);
  seen.pods.back().last_end = ended(0, report(0, "Released", "done", "", "another"));
  EXPECT_EQ(look(seen).status.release->result, RunResult::none) << "of another replication";
}

TEST(DecideOrder, an_engine_that_refuses_or_is_silent_for_a_minute_is_ended_and_a_job_follows) {
  for (const bool silent : {false, true}) {
    Observed seen = stopped();
    seen = after(seen, look(seen));
    if (silent) {
      seen.now += Seconds(59);
      EXPECT_THAT(names(look(seen)), ElementsAre("OrderRelease"));
      seen.now += Seconds(1);
    } else {
      seen.release_answer = ReleaseAnswer::refused;
    }
    const Decision ending = look(seen);
    EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
    seen = after(seen, ending);
    seen.pods.clear();
    const Decision begin = look(seen);
    EXPECT_THAT(names(begin), ElementsAre("ApplyConfigMap", "CreateJob"));
    EXPECT_FALSE(begin.status.release->job_name.empty());
  }
}

TEST(DecideOrder, an_answer_of_an_earlier_stream_is_none) {
  Observed seen = stopped();
  seen.release_answer = ReleaseAnswer::released;
  EXPECT_THAT(names(look(seen)), ElementsAre("OrderRelease"));
}

TEST(DecideOrder, without_a_key_or_a_running_engine_nobody_is_asked) {
  Observed seen = stopped();
  seen.release_token_hash.clear();
  EXPECT_THAT(names(look(seen)), Not(Contains("OrderRelease")));
  seen = stopped();
  seen.pods.back().engine = waiting("CrashLoopBackOff", "back-off");
  EXPECT_THAT(names(look(seen)), Not(Contains("OrderRelease")));
}

TEST(DecideOrder, who_changes_his_mind_meanwhile_gets_what_he_ordered) {
  Observed seen = stopped();
  seen = after(seen, look(seen));
  seen.object.spec.state = State::running;
  seen.object.generation = 3;
  EXPECT_THAT(names(look(seen)), ElementsAre("OrderRelease"));
  seen.release_answer = ReleaseAnswer::released;
  seen = after(seen, look(seen));
  EXPECT_EQ(reason(look(seen)), "Released");
}

TEST(DecideOrder, a_deletion_lets_the_engine_forget_as_well) {
  Observed seen = deleted();
  const Decision asking = look(seen);
  ASSERT_THAT(names(asking), ElementsAre("OrderRelease"));
  EXPECT_TRUE(order_in(asking).forget);
  EXPECT_EQ(asking.status.phase, Phase::deleting);
  seen = after(seen, asking);
  seen.release_answer = ReleaseAnswer::released;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  seen = after(seen, ending);
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideOrder, a_namespace_that_goes_takes_the_deployment_first_and_its_engine_is_asked_all_the_same) {
  Observed seen = deleted();
  seen.jobs.clear();
  seen.deployment.reset();
  seen.pods.back().deleting = true;
  seen.terminating = true;
  EXPECT_THAT(names(look(seen)), ElementsAre("OrderRelease"));
}

TEST(DecideOrder, the_engine_of_a_copy_is_asked_where_the_object_is_deleted_and_not_where_its_end_is_to_be_told) {
  Observed seen = with_engine(running());
  seen.release_token_hash = "hash";
  seen.pods.back().ip = "10.0.0.7";
  seen.object.generation = 2;
  seen.object.spec.state = State::stopped;
  EXPECT_THAT(names(look(seen)), Not(Contains("OrderRelease")));
  seen.object.spec.state = State::running;
  seen.object.deleted = seen.now;
  const Decision asking = look(seen);
  ASSERT_THAT(names(asking), ElementsAre("OrderRelease"));
  EXPECT_EQ(order_in(asking).pod_ip, "10.0.0.7");
  EXPECT_TRUE(order_in(asking).forget);
  seen = after(seen, asking);
  seen.release_answer = ReleaseAnswer::released;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  seen = after(seen, ending);
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideOrder, where_a_namespace_takes_the_pods_first_the_engine_is_asked_before_the_object_is_deleted) {
  for (const bool copies : {false, true}) {
    Observed seen = copies ? with_engine(running()) : followed();
    seen.release_token_hash = "hash";
    seen.pods.back().ip = "10.0.0.7";
    seen.pods.back().deleting = true;
    seen.terminating = true;
    const Decision asking = look(seen);
    ASSERT_THAT(names(asking), ElementsAre("OrderRelease"));
    EXPECT_TRUE(order_in(asking).forget);
    EXPECT_EQ(reason(asking), "Releasing");
    seen = after(seen, asking);
    seen.terminating = true;
    seen.release_answer = ReleaseAnswer::released;
    const Decision given = look(seen);
    EXPECT_THAT(names(given), IsEmpty()) << "whatever is begun would be refused";
    EXPECT_EQ(reason(given), "NamespaceEnds");
    seen = after(seen, given);
    seen.pods.clear();
    seen.jobs.clear();
    seen.deployment.reset();
    seen.object.deleted = seen.now;
    EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer")) << "and no Event: nothing is left";
  }
}

TEST(DecideOrder, a_copy_in_a_namespace_that_goes_is_asked_though_its_job_is_gone) {
  Observed seen = with_engine(running());
  seen.release_token_hash = "hash";
  seen.pods.back().ip = "10.0.0.7";
  seen.pods.back().deleting = true;
  seen.jobs.clear();
  seen.object.deleted = seen.now;
  seen.terminating = true;
  EXPECT_THAT(names(look(seen)), ElementsAre("OrderRelease"));
}

TEST(DecideOrder, where_the_namespace_took_the_rights_with_it_an_engine_is_asked_and_nothing_else_is_touched) {
  Observed seen = deleted();
  seen.terminating = true;
  seen.barred = true;
  const Decision asking = look(seen);
  EXPECT_THAT(names(asking), ElementsAre("OrderRelease"));
  seen = after(seen, asking);
  seen.terminating = seen.barred = true;
  seen.release_answer = ReleaseAnswer::released;
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer")) << "whatever was seen last of its engines";
  seen.release_answer = ReleaseAnswer::refused;
  EXPECT_THAT(names(look(seen)), ElementsAre("Announce", "RemoveFinalizer"));
}

TEST(DecideOrder, a_deletion_leaves_time_for_a_job) {
  Observed seen = deleted();
  seen.object.spec.deletion_timeout = Seconds(30);
  seen = after(seen, look(seen));
  seen.now += Seconds(10);
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob", "DeleteDeployment"));
  seen.now += Seconds(20);
  EXPECT_THAT(names(look(seen)), Contains("RemoveFinalizer"));
}

TEST(DecideOrder, what_is_to_stay_on_the_source_stays) {
  Observed seen = deleted();
  seen.object.spec.source_objects = v1alpha1::SourceObjects::retain;
  EXPECT_THAT(names(look(seen)), Not(Contains("OrderRelease")));
}

}  // namespace
}  // namespace tributary::replication
