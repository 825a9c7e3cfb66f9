#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/testing/decisions.h"

// spec.deletion.targetData: Delete.
namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::Mode;
using v1alpha1::RunResult;
using v1alpha1::SourceObjects;
using v1alpha1::TargetData;
using v1alpha1::Truth;

Observed deleted(Observed seen) {
  seen.object.spec.target_data = TargetData::remove;
  seen.object.deleted = seen.now;
  return seen;
}

std::vector<std::string> arguments_of_job(const Decision& decision) {
  std::vector<std::string> words;
  for (const Action& action : decision.actions) {
    const auto* job = std::get_if<CreateJob>(&action);
    if (job == nullptr) continue;
    const kube::Json args = job->object.json()["spec"]["template"]["spec"]["containers"][0]["args"];
    for (int at = 0; at < 3; ++at) words.push_back(args[static_cast<std::size_t>(at)]);
  }
  return words;
}

bool drops(const Decision& decision) {
  return arguments_of_job(decision) == std::vector<std::string>{"release", "--drop-target-data", "--yes"};
}

std::string report_of_release(int exit_code, const std::vector<api::Finding>& findings) {
  api::Report out;
  out.verb = "release";
  out.replication = uid;
  out.exit_code = static_cast<api::ExitCode>(exit_code);
  out.reason = exit_code == 0 ? "Released" : "Unavailable";
  out.message = "it said so";
  out.findings = findings;
  return api::termination_message(out);
}

Observed end_release(Observed seen, int exit_code, const std::vector<api::Finding>& findings = {}) {
  Job& job = seen.releases.back();
  job.state = exit_code == 0 ? JobState::complete : JobState::failed;
  seen.pods = {pod_of(job, ended(exit_code, report_of_release(exit_code, findings)))};
  seen.voice.reset();
  return seen;
}

api::Finding left(const std::string& object) {
  return {api::Severity::warning, "TargetDataLeft", object, "left on the target: view public.v depends on it", ""};
}

std::string note(const Decision& decision, std::size_t action = 0) {
  return std::get<Announce>(decision.actions.at(action)).note.note;
}

TEST(DecideDrop, a_job_takes_a_completed_snapshot_from_the_target) {
  Observed seen = deleted(completed());
  const Decision ending = look(seen);
  ASSERT_THAT(names(ending), ElementsAre("ApplyConfigMap", "CreateJob")) << "its pod has ended";
  EXPECT_TRUE(drops(ending));
  EXPECT_TRUE(ending.status.release->drops_data);
  EXPECT_EQ(reason(ending), "Releasing");
  EXPECT_THAT(message(ending), EndsWith("which drops from the target what was copied"));
  EXPECT_EQ(reason(ending, "SourceReleased"), "") << "the source holds nothing";
  seen = after(seen, ending);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_THAT(names(look(end_release(seen, 0))), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDrop, by_default_the_target_keeps_everything) {
  Observed seen = deleted(completed());
  seen.object.spec.target_data = TargetData::retain;
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDrop, a_retained_slot_keeps_the_rows_that_were_copied_at_its_position) {
  Observed seen = deleted(followed());
  seen.object.spec.source_objects = SourceObjects::retain;
  seen = after(seen, decide(seen));
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer")) << "the spec is flawed: nothing is dropped";
}

TEST(DecideDrop, one_job_gives_back_what_a_stream_holds_and_drops_what_it_copied) {
  Observed seen = deleted(followed());
  seen = after(seen, decide(seen));
  const Decision begin = look(seen);
  EXPECT_TRUE(drops(begin));
  EXPECT_THAT(message(begin), EndsWith("gives back what the stream holds on the source and drops from the target what "
                                       "was copied"));
  EXPECT_EQ(truth(begin, "SourceReleased"), Truth::no);
  seen = after(seen, begin);
  const Decision done = look(end_release(seen, 0));
  EXPECT_THAT(names(done), ElementsAre("RemoveFinalizer"));
  EXPECT_EQ(truth(done, "SourceReleased"), Truth::yes);
}

TEST(DecideDrop, an_engine_that_lives_gives_back_first_and_leaves_the_ledger_to_the_job) {
  Observed seen = deleted(followed());
  seen.release_token_hash = std::string(64, 'a');
  const Decision order = look(seen);
  const auto* told = std::get_if<OrderRelease>(&order.actions.at(0));
  ASSERT_NE(told, nullptr);
  EXPECT_FALSE(told->forget) << "the ledger tells what is to go";
  seen = after(seen, order);
  seen.release_answer = ReleaseAnswer::released;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob", "DeleteDeployment"));
  EXPECT_EQ(truth(ending, "SourceReleased"), Truth::yes);
  seen = after(seen, ending);
  seen.pods.clear();
  const Decision begin = look(seen);
  EXPECT_TRUE(drops(begin));
  EXPECT_EQ(truth(begin, "SourceReleased"), Truth::yes) << "that is done, and stays so";
  seen = after(seen, begin);
  const Decision late = look(end_release(seen, 1));
  EXPECT_THAT(message(late), HasSubstr("what was copied is not dropped from the target yet: it said so"));
  EXPECT_EQ(truth(late, "SourceReleased"), Truth::yes);
  seen.now += Seconds(300);
  const Decision given_up = look(seen);
  ASSERT_THAT(names(given_up), ElementsAre("Announce", "RemoveFinalizer")) << "the source holds nothing any more";
  EXPECT_EQ(std::get<Announce>(given_up.actions[0]).note.reason, "TargetDataLeft");
}

TEST(DecideDrop, what_was_released_before_still_has_its_data_dropped) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.state = v1alpha1::State::stopped;
  seen = after(seen, decide(seen));
  seen = after(seen, decide(seen));
  seen = end_release(seen, 0);
  seen = deleted(after(seen, decide(seen)));
  const Decision begin = look(seen);
  EXPECT_TRUE(drops(begin));
  seen = after(seen, begin);
  EXPECT_THAT(names(look(end_release(seen, 0))), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDrop, a_release_under_way_ends_before_the_data_is_dropped) {
  Observed seen = followed();
  seen.object.generation = 2;
  seen.object.spec.state = v1alpha1::State::stopped;
  seen = after(seen, decide(seen));
  seen = deleted(after(seen, decide(seen)));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  const Decision next = look(end_release(seen, 0));
  EXPECT_THAT(names(next), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
  EXPECT_TRUE(drops(next));
}

TEST(DecideDrop, an_event_names_what_the_job_left) {
  Observed seen = deleted(completed());
  seen = after(seen, decide(seen));
  seen = end_release(seen, 0, {left("table public.t"), {api::Severity::warning, "Other", "x", "y", ""}});
  for (int round = 0; round < 2; ++round) {
    const Decision done = look(seen);
    ASSERT_THAT(names(done), ElementsAre("Announce", "RemoveFinalizer"));
    EXPECT_EQ(std::get<Announce>(done.actions[0]).note.reason, "TargetDataLeft");
    EXPECT_EQ(note(done), "table public.t: left on the target: view public.v depends on it");
    seen.object.status = done.status;  // published, and the object did not go
  }
}

TEST(DecideDrop, many_objects_fit_into_the_event) {
  Observed seen = deleted(completed());
  seen = after(seen, decide(seen));
  std::vector<api::Finding> findings;
  for (int number = 0; number < 20; ++number) findings.push_back(left("table public." + std::string(60, 'x')));
  const Decision done = look(end_release(seen, 0, findings));
  EXPECT_LE(note(done).size(), 1024U);
  EXPECT_THAT(note(done), ::testing::ContainsRegex("; and [0-9]+ more$"));
}

TEST(DecideDrop, at_the_deadline_the_object_goes_and_an_event_says_what_drops_the_data) {
  Observed seen = deleted(completed());
  seen = after(seen, decide(seen));
  seen = end_release(seen, 1);
  seen = after(seen, decide(seen));
  seen.now += Seconds(299);
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
  EXPECT_LE(*look(seen).recheck, Milliseconds(1000));
  seen.now += Seconds(1);
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("DeleteJob", "Announce", "RemoveFinalizer"));
  EXPECT_THAT(note(decision, 1),
              HasSubstr("SELECT undo FROM _tributary.step WHERE replication = '" + std::string(uid)));
  EXPECT_THAT(note(decision, 1), HasSubstr("because spec.deletion.timeout has passed"));
  EXPECT_LE(note(decision, 1).size(), 1024U);
}

TEST(DecideDrop, of_a_stream_the_deadline_tells_of_both_ends) {
  Observed seen = deleted(followed());
  seen = after(seen, decide(seen));
  seen.now += Seconds(300);
  EXPECT_THAT(names(look(seen)), ElementsAre("Announce", "Announce", "RemoveFinalizer"));
}

TEST(DecideDrop, in_a_namespace_that_ends_nothing_is_waited_for_and_the_event_goes_where_it_can) {
  Observed seen = deleted(completed());
  seen.terminating = true;
  const Decision decision = look(seen);
  ASSERT_THAT(names(decision), ElementsAre("Announce", "RemoveFinalizer"));
  EXPECT_TRUE(std::get<Announce>(decision.actions[0]).of_namespace);
}

TEST(DecideDrop, a_copy_under_way_ends_first_and_what_it_made_goes_at_both_ends) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(40)};
  seen = deleted(after(seen, decide(seen)));
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
  seen = after(seen, look(seen));
  EXPECT_TRUE(drops(look(seen)));
}

TEST(DecideDrop, a_copy_that_gives_back_by_itself_before_anybody_heard_it_has_its_data_dropped) {
  Observed seen = deleted(with_engine(running()));
  seen.release_token_hash = "hash";
  const Decision order = look(seen);
  const auto* told = std::get_if<OrderRelease>(&order.actions.at(0));
  ASSERT_NE(told, nullptr);
  EXPECT_FALSE(told->forget);
  seen = after(seen, order);
  seen.release_answer = ReleaseAnswer::released;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  seen = after(seen, ending);
  EXPECT_TRUE(drops(look(seen)));
}

TEST(DecideDrop, what_never_got_past_its_checks_has_made_nothing) {
  const Observed seen = deleted(refused(report(2, "SourceDenied", "no entry")));
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
  EXPECT_THAT(names(look(deleted(scene()))), ElementsAre("RemoveFinalizer"));
}

TEST(DecideDrop, what_an_earlier_attempt_made_is_remembered_by_one_that_is_refused) {
  Observed seen = completed();
  seen.object.generation = 2;
  seen.object.spec.snapshot.request_id = "again";
  seen = after(seen, decide(seen));
  EXPECT_EQ(seen.object.status.snapshot->may_hold_data, true);
  Job& job = seen.jobs.back();
  job.state = JobState::failed;
  seen.pods = {pod_of(job, ended(2, report(2, "SourceDenied", "no entry")))};
  seen = after(seen, decide(seen));
  ASSERT_EQ(seen.object.status.snapshot->result, RunResult::failed);
  EXPECT_TRUE(drops(look(deleted(seen))));
}

TEST(DecideDrop, a_broken_copy_whose_slot_was_given_back_has_its_data_dropped) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(40)};
  seen = after(seen, decide(seen));
  seen.voice.reset();
  seen.jobs[0].state = JobState::failed;
  seen.pods = {pod_of(seen.jobs[0], ended(1, report(1, "CopyFailed", "it said so")))};
  seen = after(seen, decide(seen));
  seen = after(seen, decide(seen));
  seen = end_release(seen, 0);
  seen = after(seen, decide(seen));
  ASSERT_EQ(seen.object.status.snapshot->may_hold_slot, false);
  EXPECT_TRUE(drops(look(deleted(seen))));
}

TEST(DecideDrop, a_status_of_an_operator_that_did_not_remember_it_counts_as_one_that_says_yes) {
  Observed seen = refused(report(2, "SourceDenied", "no entry"));
  seen.object.status.snapshot->may_hold_data.reset();
  EXPECT_TRUE(drops(look(deleted(seen))));
}

TEST(DecideDrop, what_the_command_line_copied_goes_with_the_stream_that_follows_it) {
  Observed seen = deleted(followed(Mode::sync));
  seen = after(seen, decide(seen));
  EXPECT_TRUE(drops(look(seen)));
  seen.now += Seconds(300);
  EXPECT_THAT(note(look(seen), 1), Not(HasSubstr("WHERE"))) << "it has no name in the ledger";
}

}  // namespace
}  // namespace tributary::replication
