#include "operator/replication/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/status.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Phase;
using v1alpha1::RunResult;
using v1alpha1::State;
using v1alpha1::Truth;

// --- the end

TEST(Decide, success_is_recorded_with_the_engines_own_counts) {
  Observed seen = finished(ended(0, report(0, "SnapshotComplete", "done"), "Completed"), JobState::active);
  seen.now += Seconds(30);
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status.phase, Phase::completed);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::yes);
  EXPECT_EQ(truth(decision, "Validated"), Truth::yes);
  EXPECT_EQ(v1alpha1::find_condition(decision.status, "Reconciling"), nullptr);
  EXPECT_EQ(decision.status.progress, "100%");
  EXPECT_EQ(message(decision), "4 tables with 1234567 rows copied");
  const v1alpha1::Run& run = *decision.status.snapshot;
  EXPECT_EQ(run.result, RunResult::succeeded);
  EXPECT_EQ(run.rows_copied, 1'234'567U);
  EXPECT_EQ(run.consistency, "Snapshot");
  EXPECT_EQ(run.completion_time, rfc3339(noon + Seconds(30)));
  EXPECT_FALSE(decision.recheck);
}

TEST(Decide, databases_that_the_report_had_no_room_for_are_counted) {
  api::Report many;
  many.replication = uid;
  for (int i = 0; i < 100; ++i)
    many.databases.push_back(
        {.name = "db" + std::to_string(i), .target = "db", .tables = 2, .rows = 5, .bytes = 7, .position = ""});
  const Decision decision = look(finished(ended(0, termination_message(many), "Completed"), JobState::active));
  const v1alpha1::Run& run = *decision.status.snapshot;
  EXPECT_EQ(run.tables_total, 200U);
  EXPECT_EQ(run.tables_done, 200U);
  EXPECT_EQ(run.rows_copied, 500U);
  EXPECT_EQ(run.bytes_copied, 700U);
  EXPECT_EQ(message(decision), "200 tables with 500 rows copied");
}

TEST(Decide, a_completed_snapshot_needs_nothing_more) {
  const Observed seen = completed();
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(decision.status, seen.object.status);
  EXPECT_FALSE(decision.recheck);
}

TEST(Decide, a_deleted_finished_job_never_runs_again_whatever_else_changes) {
  Observed seen = completed();
  seen.jobs.clear();
  seen.pods.clear();
  seen.object.generation = 2;
  seen.object.spec.tables.exclude = {"shop.public.sessions"};
  seen.object.spec.snapshot.parallelism = 8;
  seen.secrets[0].resource_version = "99";
  seen.image = "tributary:newer";
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(decision.status.observed_generation, 2);
}

TEST(Decide, a_completed_snapshot_stays_ready_when_paused_and_when_its_secrets_go) {
  Observed seen = completed();
  seen.object.spec.state = State::paused;
  seen.secrets.clear();
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::no);
}

TEST(Decide, a_new_request_id_repeats_a_snapshot_as_the_next_attempt) {
  Observed seen = completed();
  const std::string first = seen.jobs[0].name;
  seen.object.generation = 2;
  seen.object.spec.snapshot.request_id = "again";
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(decision.status.snapshot->attempt, 2);
  EXPECT_EQ(decision.status.snapshot->request_id, "again");
  EXPECT_NE(decision.status.snapshot->job_name, first);
  EXPECT_EQ(decision.status.snapshot->rows_copied, 0U);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::no);
  EXPECT_EQ(truth(decision, "Validated"), Truth::yes);
}

TEST(Decide, an_end_without_the_engines_report_is_not_taken_from_a_cache) {
  Observed seen = finished(ended(0, report(0, "SnapshotComplete", "done"), "Completed"), JobState::complete);
  EXPECT_FALSE(wants_a_live_look(look(seen)));
  seen.pods = {pod_of(seen.jobs[0], running())};
  EXPECT_TRUE(wants_a_live_look(look(seen)));
  seen.pods.clear();
  EXPECT_TRUE(wants_a_live_look(look(seen)));
}

TEST(Decide, a_complete_job_whose_pod_is_gone_is_a_success_without_counts) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(99)};
  seen.object.status = decide(seen).status;
  seen.voice.reset();
  seen.pods.clear();
  seen.jobs[0].state = JobState::complete;
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(decision.status.snapshot->result, RunResult::succeeded);
}

TEST(Decide, bad_configuration_stalls_with_the_engines_own_words) {
  Observed seen = finished(ended(2, report(2, "SourceDenied", "password authentication failed", "mend the Secret")),
                           JobState::active);
  const Decision decision = look(seen);
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(decision.status.phase, Phase::failed);
  EXPECT_EQ(reason(decision, "Stalled"), "SourceDenied");
  EXPECT_EQ(message(decision, "Stalled"), "password authentication failed (hint: mend the Secret)");
  EXPECT_EQ(truth(decision, "Validated"), Truth::no);
  EXPECT_EQ(decision.status.snapshot->result, RunResult::failed);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_FALSE(decision.recheck);
}

TEST(Decide, a_missing_key_is_told_with_the_secrets_name) {
  const Observed seen = refused(report(2, "BadSource", "secret for source has no key host"));
  const Decision decision = look(seen);
  EXPECT_EQ(message(decision, "Stalled"), "secret shop-source has no key host");
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::no);
  EXPECT_EQ(message(decision, "CredentialsSynced"), "secret shop-source has no key host");
}

TEST(Decide, a_stalled_replication_waits_for_a_change) {
  Observed seen = refused(report(2, "SourceDenied", "no entry"));
  seen.now += std::chrono::hours(10);
  for (const bool job_is_there : {true, false}) {
    if (!job_is_there) {
      seen.jobs.clear();
      seen.pods.clear();
    }
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_EQ(decision.status, seen.object.status);
    EXPECT_FALSE(decision.recheck);
  }
}

TEST(Decide, a_changed_spec_or_secret_starts_a_stalled_one_again) {
  struct Case {
    const char* sentence;
    void (*change)(Observed&);
  };
  const Case cases[] = {
      {"secret updated", [](Observed& seen) { seen.secrets[0].resource_version = "99"; }},
      {"secret created anew", [](Observed& seen) { seen.secrets[1].uid = "s-9"; }},
      {"spec updated",
       [](Observed& seen) {
         seen.object.generation = 2;
         seen.object.spec.snapshot.on_target_not_empty = v1alpha1::OnTargetNotEmpty::drop;
       }},
      {"another limit", [](Observed& seen) { seen.object.generation = 2; }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sentence);
    Observed seen = refused(report(2, "SourceDenied", "no entry"));
    one.change(seen);
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
    EXPECT_EQ(decision.status.snapshot->attempt, 2);
    EXPECT_EQ(decision.status.snapshot->result, RunResult::none);
    EXPECT_EQ(decision.status.credentials, seen.secrets);
    EXPECT_FALSE(stalled(decision));
    EXPECT_EQ(truth(decision, "Validated"), Truth::unknown);
  }
}

TEST(Decide, a_job_that_gave_up_tells_how_often_it_tried) {
  Observed seen = finished(ended(1, report(1, "CopyFailed", "disk full on target")), JobState::failed);
  seen.jobs[0].fail_reason = "BackoffLimitExceeded";
  seen.jobs[0].failed_pods = 7;
  const Decision decision = look(seen);
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(reason(decision), "CopyFailed");
  EXPECT_EQ(message(decision), "disk full on target; given up after 7 attempts");
}

TEST(Decide, a_deadline_is_called_by_its_field) {
  Observed seen = finished(ended(143), JobState::failed);
  seen.jobs[0].fail_reason = "DeadlineExceeded";
  EXPECT_THAT(message(look(seen)), HasSubstr("spec.snapshot.timeout"));
}

TEST(Decide, a_report_of_another_replication_or_another_code_is_not_believed) {
  for (const std::string& lie : {report(2, "Lie", "x", "", "other-uid"), report(5, "Lie", "x"), std::string("{"),
                                 std::string("not json"), std::string(4096, '[')}) {
    const Decision decision = look(finished(ended(2, lie), JobState::failed));
    EXPECT_EQ(reason(decision), "EngineFailed");
    EXPECT_THAT(message(decision), HasSubstr("exit code 2"));
  }
}

// --- pause, stop, change

TEST(Decide, pause_takes_effect_after_the_copy) {
  Observed seen = with_engine(running());
  seen.object.spec.state = State::paused;
  seen.object.generation = 2;
  seen.voice = Voice{.progress = copying(42)};
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Copying");
}

TEST(Decide, nothing_begins_while_paused_or_stopped) {
  for (const State state : {State::paused, State::stopped}) {
    Observed seen = scene();
    seen.object.spec.state = state;
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), IsEmpty());
    EXPECT_EQ(decision.status.phase, state == State::paused ? Phase::paused : Phase::stopped);
    EXPECT_EQ(truth(decision, "Ready"), Truth::no);
    EXPECT_FALSE(stalled(decision));
    EXPECT_FALSE(v1alpha1::is_true(decision.status, "Reconciling"));
  }
}

TEST(Decide, stop_ends_the_job_and_waits_for_its_pod_and_running_starts_another) {
  Observed seen = with_engine(running());
  seen.object.spec.state = State::stopped;
  seen.object.generation = 2;
  const Decision stopping = look(seen);
  EXPECT_THAT(names(stopping), ElementsAre("DeleteJob"));
  seen.object.status = stopping.status;
  seen.jobs[0].deleting = true;
  EXPECT_EQ(reason(look(seen)), "Ending");
  seen.jobs.clear();
  EXPECT_EQ(reason(look(seen)), "Ending");
  seen.pods.clear();
  const Decision stopped = look(seen);
  EXPECT_EQ(stopped.status.phase, Phase::stopped);
  EXPECT_EQ(names(stopped).back(), "CreateJob") << "what the copy holds on the source is given back";
  seen = after(seen, stopped);
  seen.releases.at(0).state = JobState::complete;
  seen = after(seen, look(seen));
  seen.object.spec.state = State::running;
  EXPECT_EQ(look(seen).status.snapshot->attempt, 3);
}

TEST(Decide, other_inputs_end_a_running_job_and_other_manners_do_not) {
  Observed seen = with_engine(running());
  seen.object.generation = 2;
  seen.object.spec.snapshot.parallelism = 8;
  seen.object.spec.pod.image = "other";
  seen.image = "tributary:newer";
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.spec.tables.include = {"shop.public.a"};
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

TEST(Decide, a_job_whose_engine_never_ran_is_replaced_when_the_spec_is_mended) {
  Observed seen = with_engine(waiting("ImagePullBackOff", "no such image"));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.spec.pod.image = "right";
  seen.object.generation = 2;
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

TEST(Decide, no_second_engine_starts_beside_one_that_may_still_live) {
  Observed seen = with_engine(running());
  seen.jobs.clear();  // deleted by somebody; its pod still ends
  seen.pods[0].deleting = true;
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_THAT(message(decision), HasSubstr(seen.pods[0].name));
  seen.pods.clear();
  EXPECT_EQ(look(seen).status.snapshot->attempt, 2);
}

// --- validate

TEST(Decide, a_validation_is_done_once_and_again_for_another_spec) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::validate;
  const Decision first = look(seen);
  EXPECT_THAT(names(first), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(v1alpha1::find_condition(first.status, "SnapshotComplete"), nullptr);
  seen = after(seen, first);
  seen.pods = {pod_of(seen.jobs[0], ended(0, report(0, "Validated", "fine"), "Completed"))};
  const Decision done = look(seen);
  EXPECT_EQ(truth(done, "Validated"), Truth::yes);
  EXPECT_EQ(truth(done, "Ready"), Truth::yes);
  EXPECT_EQ(done.status.phase, Phase::completed);
  EXPECT_EQ(done.status.progress, "");
  seen = after(seen, done);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.generation = 2;
  seen.object.spec.tables.exclude = {"shop.public.a"};
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
}

TEST(Decide, findings_of_a_failed_validation_are_listed_errors_first) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::validate;
  seen = after(seen, decide(seen));
  api::Report written;
  written.verb = "validate";
  written.replication = uid;
  written.exit_code = api::ExitCode::bad_configuration;
  written.reason = "ValidationFailed";
  written.message = "1 error";
  written.findings = {{api::Severity::ok, "Fine", "source", "fine", ""},
                      {api::Severity::warning, "NoIdentity", "table a", "has no identity", "add a key"},
                      {api::Severity::error, "TargetNotEmpty", "database shop", "has tables", "choose Drop"}};
  seen.pods = {pod_of(seen.jobs[0], ended(2, api::termination_message(written)))};
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Validated"), Truth::no);
  ASSERT_EQ(decision.status.findings.size(), 2U);
  EXPECT_EQ(decision.status.findings[0].code, "TargetNotEmpty");
  EXPECT_EQ(decision.status.findings[1].code, "NoIdentity");
}

TEST(Decide, findings_that_have_no_room_are_the_mild_ones) {
  api::Report written;
  written.replication = uid;
  written.exit_code = api::ExitCode::bad_configuration;
  written.findings.assign(30, {api::Severity::warning, "NoIdentity", "table a", "has no identity", ""});
  written.findings.push_back({api::Severity::error, "TargetNotEmpty", "database shop", "has tables", ""});
  const Decision decision = look(finished(ended(2, api::to_json(written)), JobState::failed));
  ASSERT_EQ(decision.status.findings.size(), v1alpha1::most_findings);
  EXPECT_EQ(decision.status.findings[0].code, "TargetNotEmpty");
}

// --- deletion

Observed deleted(Observed seen) {
  seen.object.deleted = seen.now;
  return seen;
}

TEST(Deletion, comes_before_every_gate) {
  Observed flawed = deleted(scene());
  flawed.object.flaw = Error{Fault::invalid, "spec.mode is odd"};
  flawed.secrets.clear();
  EXPECT_THAT(names(look(flawed)), ElementsAre("RemoveFinalizer"));
  EXPECT_THAT(names(look(deleted(refused(report(2, "SourceDenied", "no entry"))))), ElementsAre("RemoveFinalizer"));
  EXPECT_THAT(names(look(deleted(completed()))), ElementsAre("RemoveFinalizer"));
}

TEST(Deletion, without_our_finalizer_is_none_of_our_business) {
  Observed seen = deleted(with_engine(running()));
  seen.object.finalized = false;
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

TEST(Deletion, in_the_middle_of_a_copy_ends_the_engine_first) {
  Observed seen = deleted(with_engine(running()));
  const Decision first = look(seen);
  EXPECT_THAT(names(first), ElementsAre("DeleteJob"));
  EXPECT_EQ(first.status.phase, Phase::deleting);
  ASSERT_TRUE(first.recheck);
  seen.object.status = first.status;
  seen.jobs[0].deleting = true;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "the job may still have a pod that we have not heard of";
  seen.jobs.clear();
  EXPECT_EQ(names(look(seen)).back(), "CreateJob") << "what the copy holds on the source is given back";
  seen = after(seen, look(seen));
  seen.releases.at(0).state = JobState::complete;
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(Deletion, ends_at_its_deadline_and_says_what_may_live_on) {
  Observed seen = deleted(with_engine(running()));
  seen.jobs[0].deleting = true;
  seen.now += Seconds(299);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(look(seen).recheck, Milliseconds(1000));
  seen.now += Seconds(1);
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("Announce", "Announce", "RemoveFinalizer"));
  EXPECT_THAT(std::get<Announce>(decision.actions[0]).note.note, HasSubstr(seen.pods[0].name));
  EXPECT_EQ(std::get<Announce>(decision.actions[1]).note.reason, "SourceObjectsLeft");
}

// --- faults of the API server

TEST(Fault, a_refusal_that_a_person_must_lift_is_shown_and_a_passing_one_is_not) {
  const v1alpha1::Status before = decide(scene()).status;
  EXPECT_EQ(with_fault(before, {Fault::transient, "503"}, noon), std::nullopt);
  EXPECT_EQ(with_fault(before, {Fault::conflict, "409"}, noon), std::nullopt);
  const auto unseen = with_fault(opened(scene()), {Fault::transient, "503"}, noon);
  EXPECT_TRUE(v1alpha1::is_true(unseen.value(), "Reconciling"));
  EXPECT_FALSE(v1alpha1::is_true(unseen.value(), "Stalled"));
  const auto denied = with_fault(before, {Fault::denied, "jobs is forbidden: exceeded quota: none"}, noon);
  EXPECT_EQ(v1alpha1::find_condition(denied.value(), "Stalled")->reason, "QuotaExceeded");
  const auto invalid = with_fault(before, {Fault::invalid, "Job is invalid: nodeSelector"}, noon);
  EXPECT_EQ(v1alpha1::find_condition(invalid.value(), "Stalled")->reason, "Refused");
}

}  // namespace
}  // namespace tributary::replication
