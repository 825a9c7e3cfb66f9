#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/api/report.h"
#include "operator/api/conditions.h"
#include "operator/replication/decide.h"
#include "operator/replication/status.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using v1alpha1::Mode;
using v1alpha1::RunResult;
using v1alpha1::State;
using v1alpha1::Truth;

// What an engine leaves that its checks ended.
std::string refusal(const std::string& reason) {
  api::Report out;
  out.verb = "init";
  out.replication = uid;
  out.exit_code = api::ExitCode::bad_configuration;
  out.reason = reason;
  out.message = "password refused";
  out.findings = {{api::Severity::error, reason, "source", "password refused", ""}};
  return api::termination_message(out);
}

Observed begun(Mode mode = Mode::snapshot_and_sync) {
  Observed seen = scene();
  seen.object.spec.mode = mode;
  return after(seen, decide(seen));
}

Observed fail(Observed seen, Container engine) {
  Job& job = seen.jobs.at(0);
  job.state = JobState::failed;
  seen.pods = {pod_of(job, std::move(engine))};
  return after(seen, decide(seen));
}

Observed outage(Mode mode = Mode::snapshot_and_sync) {
  return fail(begun(mode), ended(1, report(1, "Unavailable", "server closed the connection")));
}

// The attempt after one that may have made a slot is refused.
Observed refused_later(Mode mode = Mode::snapshot_and_sync) {
  Observed seen = outage(mode);
  seen.now += std::chrono::minutes(5);
  seen = after(seen, decide(seen));
  return fail(seen, ended(2, refusal("SourceAccessDenied")));
}

Observed end_release(Observed seen, int exit_code) {
  Job& job = seen.releases.at(0);
  job.state = exit_code == 0 ? JobState::complete : JobState::failed;
  seen.pods = {pod_of(job, ended(exit_code, report(exit_code, exit_code == 0 ? "Released" : "Odd", "it said so")))};
  seen.pods[0].engine.since = seen.now;
  return after(seen, decide(seen));
}

void expect_release_once(Observed seen, const std::string& why) {
  const Decision begin = look(seen);
  ASSERT_THAT(names(begin), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(reason(begin), why);
  const bool streams = v1alpha1::streams(seen.object.spec.mode);
  EXPECT_EQ(reason(begin, "Synced"), streams ? "Releasing" : "");
  EXPECT_EQ(truth(begin, "SourceReleased"), Truth::no);
  EXPECT_EQ(reason(begin, "SourceReleased"), "Releasing");
  seen = after(seen, begin);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(names(look(seen)), IsEmpty());
    EXPECT_EQ(reason(look(seen)), why);
    seen = after(seen, look(seen));
  }
  seen = end_release(seen, 0);
  EXPECT_EQ(seen.object.status.snapshot->may_hold_slot, false);
  EXPECT_EQ(truth(look(seen), "SourceReleased"), Truth::yes);
  EXPECT_EQ(reason(look(seen)), why);
  EXPECT_THAT(message(look(seen)), HasSubstr("copies everything anew"));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen = after(seen, look(seen));
  EXPECT_EQ(look(seen).status, seen.object.status);
}

TEST(DecideGiveBack, a_refused_attempt_after_one_that_may_have_made_a_slot) {
  expect_release_once(refused_later(), "SourceAccessDenied");
}

TEST(DecideGiveBack, an_attempt_that_its_checks_ended_has_nothing) {
  Observed seen = fail(begun(), ended(2, refusal("SourceAccessDenied")));
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "SourceAccessDenied");
  seen.object.deleted = seen.now;
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideGiveBack, the_checks_of_a_copy_are_told_by_its_progress) {
  Observed seen = begun();
  seen.pods = {pod_of(seen.jobs[0], running())};
  api::Progress progress = copying(0);
  progress.phase = api::Phase::validating;
  seen.voice = Voice{.progress = progress};
  EXPECT_EQ(look(seen).status.snapshot->may_hold_slot, false);
  seen.voice->progress->phase = api::Phase::preparing;
  seen = after(seen, look(seen));
  EXPECT_EQ(seen.object.status.snapshot->may_hold_slot, true);
  seen.voice.reset();
  expect_release_once(fail(seen, ended(2, refusal("SourceAccessDenied"))), "SourceAccessDenied");
}

TEST(DecideGiveBack, a_killed_engine_may_have_made_a_slot) {
  expect_release_once(fail(begun(), ended(137, "", "OOMKilled")), "OOMKilled");
}

TEST(DecideGiveBack, a_release_that_fails_hides_the_cause_neither_at_once_nor_later) {
  Observed seen = refused_later();
  seen = after(seen, decide(seen));
  seen = end_release(seen, 2);
  for (int round = 0; round < 2; ++round) {
    const Decision failed = look(seen);
    EXPECT_EQ(reason(failed), "SourceAccessDenied");
    EXPECT_THAT(message(failed), StartsWith("password refused"));
    EXPECT_THAT(message(failed), HasSubstr("is not given back yet: see the condition SourceReleased"));
    EXPECT_EQ(reason(failed, "SourceReleased"), "Odd");
    EXPECT_THAT(message(failed, "SourceReleased"), HasSubstr("is not given back yet: it said so"));
    EXPECT_THAT(message(failed, "SourceReleased"), HasSubstr("pg_drop_replication_slot"));
    EXPECT_TRUE(failed.recheck);
    seen = after(seen, failed);
    EXPECT_EQ(look(seen).status, seen.object.status) << "a message does not grow";
  }
  seen.now += std::chrono::minutes(5);
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
}

TEST(DecideGiveBack, a_pause_of_a_broken_copy) {
  Observed seen = outage();
  seen.object.spec.state = State::paused;
  seen.object.generation = 2;
  expect_release_once(seen, "Paused");
}

TEST(DecideGiveBack, a_pause_of_a_copy_that_was_only_refused_makes_no_job) {
  Observed seen = fail(begun(), ended(2, refusal("SourceAccessDenied")));
  seen.object.spec.state = State::paused;
  seen.object.generation = 2;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Paused");
}

TEST(DecideGiveBack, an_invalid_spec_after_a_broken_attempt) {
  Observed seen = outage();
  seen.object.generation = 2;
  seen.object.spec.databases.include = {"a"};
  seen.object.spec.databases.exclude = {"b"};
  expect_release_once(seen, "InvalidSpec");
}

TEST(DecideGiveBack, a_rival_after_a_broken_attempt) {
  Observed seen = outage();
  seen.object.generation = 2;
  seen.rival = "other";
  expect_release_once(seen, "TargetConflict");
}

TEST(DecideGiveBack, a_missing_target_secret_once_it_is_missing_for_long) {
  Observed seen = outage();
  seen.secrets.pop_back();
  const Decision early = look(seen);
  EXPECT_THAT(names(early), IsEmpty());
  EXPECT_THAT(message(early), HasSubstr("may keep its log"));
  seen = after(seen, early);
  seen.now += std::chrono::minutes(5);
  expect_release_once(seen, "SecretNotFound");
}

TEST(DecideGiveBack, without_the_sources_secret_nothing_can_be_given_back_and_that_is_said) {
  Observed seen = outage();
  seen.secrets.erase(seen.secrets.begin());
  seen = after(seen, decide(seen));
  seen.now += std::chrono::minutes(10);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "SecretNotFound");
  EXPECT_THAT(message(look(seen)), HasSubstr("may keep its log"));
  EXPECT_EQ(truth(look(seen), "SourceReleased"), Truth::no);
  EXPECT_THAT(message(look(seen), "SourceReleased"), HasSubstr("pg_drop_replication_slot"));
}

TEST(DecideGiveBack, that_a_release_fails_is_one_event_with_what_a_person_can_run) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync}) {
    Observed seen = begun(mode);
    seen.pods = {pod_of(seen.jobs[0], running())};
    seen.voice = Voice{.progress = copying(3)};
    seen.voice->progress->databases[0].stream.emplace().slot = "tributary_shop_0123456789ab";
    seen = after(seen, look(seen));
    seen.voice.reset();
    seen = fail(seen, ended(137, "", "OOMKilled"));
    std::vector<kube::EventNote> told;
    for (int attempt = 0; attempt < 3; ++attempt) {
      seen = after(seen, look(seen));
      Job& job = seen.releases.at(0);
      job.state = JobState::failed;
      seen.pods = {pod_of(job, ended(2, report(2, "SourceAccessDenied", "password refused")))};
      for (int round = 0; round < 2; ++round) {
        const Decision next = look(seen);
        for (const kube::EventNote& note : news(seen.object.status, next.status)) told.push_back(note);
        seen = after(seen, next);
      }
      seen.now += std::chrono::hours(1);
    }
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, kube::EventKind::warning);
    EXPECT_EQ(told[0].reason, "ReleaseFailed");
    EXPECT_THAT(told[0].note, HasSubstr("password refused"));
    EXPECT_THAT(told[0].note, HasSubstr("SELECT pg_drop_replication_slot('tributary_shop_0123456789ab');"));
  }
}

TEST(DecideGiveBack, that_the_sources_secret_is_missing_is_an_event_too) {
  Observed seen = outage();
  seen.secrets.erase(seen.secrets.begin());
  const Decision next = look(seen);
  const std::vector<kube::EventNote> told = news(seen.object.status, next.status);
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [](const kube::EventNote& note) { return note.reason == "ReleaseFailed"; }),
            1);
  EXPECT_THAT(news(after(seen, next).object.status, look(after(seen, next)).status), IsEmpty());
}

TEST(DecideGiveBack, what_a_release_said_is_gone_once_another_copy_begins) {
  Observed seen = refused_later();
  seen = end_release(after(seen, decide(seen)), 0);
  seen.object.spec.snapshot.request_id = "again";
  seen.object.generation = 2;
  const Decision again = look(seen);
  EXPECT_EQ(names(again).back(), "CreateJob");
  EXPECT_EQ(reason(again, "SourceReleased"), "");
}

// --- a snapshot alone

TEST(DecideGiveBack, a_snapshot_gives_back_what_it_may_have_made) {
  expect_release_once(refused_later(Mode::snapshot), "SourceAccessDenied");
  expect_release_once(fail(begun(Mode::snapshot), ended(137, "", "OOMKilled")), "OOMKilled");
  for (const State state : {State::paused, State::stopped}) {
    Observed seen = outage(Mode::snapshot);
    seen.object.spec.state = state;
    seen.object.generation = 2;
    expect_release_once(seen, state == State::paused ? "Paused" : "Stopped");
  }
  Observed flawed = outage(Mode::snapshot);
  flawed.object.generation = 2;
  flawed.object.spec.databases = {{"a"}, {"b"}};
  expect_release_once(flawed, "InvalidSpec");
  Observed conflict = outage(Mode::snapshot);
  conflict.rival = "other";
  conflict.object.generation = 2;
  expect_release_once(conflict, "TargetConflict");
}

TEST(DecideGiveBack, a_snapshot_waits_for_its_next_attempt_with_its_slot) {
  Observed seen = outage(Mode::snapshot);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.now += std::chrono::minutes(5);
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
  EXPECT_EQ(look(seen).status.snapshot->may_hold_slot, true);
}

TEST(DecideGiveBack, a_snapshot_without_the_sources_secret_says_so) {
  Observed seen = outage(Mode::snapshot);
  seen.secrets.erase(seen.secrets.begin());
  EXPECT_EQ(reason(look(seen)), "SecretNotFound");
  EXPECT_THAT(message(look(seen), "SourceReleased"), HasSubstr("what the copy holds on the source"));
  EXPECT_EQ(reason(look(seen), "Synced"), "");
}

TEST(DecideGiveBack, a_complete_snapshot_has_nothing_to_give_back) {
  Observed seen = outage(Mode::snapshot);
  seen.now += std::chrono::minutes(5);
  seen = after(seen, decide(seen));
  Job& job = seen.jobs.at(0);
  job.state = JobState::complete;
  seen.pods = {pod_of(job, ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
  seen = after(seen, decide(seen));
  EXPECT_EQ(seen.object.status.snapshot->may_hold_slot, false);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  seen.object.deleted = seen.now;
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideGiveBack, a_snapshot_that_is_deleted_while_it_copies_gives_back_first) {
  Observed seen = begun(Mode::snapshot);
  seen.pods = {pod_of(seen.jobs[0], running())};
  seen.object.deleted = seen.now;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  seen = after(seen, ending);
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
  seen = end_release(after(seen, look(seen)), 0);
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideGiveBack, a_snapshot_of_an_operator_without_that_memory_has_made_no_slot) {
  Observed seen = fail(begun(Mode::snapshot), ended(2, refusal("SourceAccessDenied")));
  seen.object.status.snapshot->may_hold_slot.reset();
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

// --- what an engine says of its checks

TEST(DecideGiveBack, a_report_says_whether_the_checks_were_passed) {
  for (const api::Checks checks : {api::Checks::not_passed, api::Checks::passed}) {
    api::Report out;
    out.verb = "init";
    out.replication = uid;
    out.exit_code = api::ExitCode::bad_configuration;
    out.reason = "NoRoom";
    out.message = "no room";
    out.checks = checks;
    if (checks == api::Checks::passed) out.findings = {{api::Severity::error, "NoRoom", "source", "no room", ""}};
    const Observed seen = fail(begun(), ended(2, api::termination_message(out)));
    const bool passed = checks == api::Checks::passed;
    EXPECT_EQ(seen.object.status.snapshot->may_hold_slot, passed);
    EXPECT_EQ(truth(look(seen), "Validated") == Truth::no, !passed);
    EXPECT_EQ(names(look(seen)).empty(), !passed);
  }
}

TEST(DecideGiveBack, an_engine_that_waits_has_passed_its_checks_where_it_says_so) {
  Observed seen = begun();
  seen.pods = {pod_of(seen.jobs[0], running())};
  api::Progress progress = copying(0);
  progress.phase = api::Phase::waiting;
  progress.checks = api::Checks::passed;
  seen.voice = Voice{.progress = progress};
  EXPECT_EQ(look(seen).status.snapshot->may_hold_slot, true);
  seen.voice->progress->checks = api::Checks::not_passed;
  EXPECT_EQ(look(seen).status.snapshot->may_hold_slot, false);
}

TEST(DecideGiveBack, a_job_that_never_ran_an_engine_is_deleted_without_a_release) {
  Observed seen = begun();
  seen.pods = {pod_of(seen.jobs[0], waiting("ImagePullBackOff", "no such image"))};
  seen.object.deleted = seen.now;
  const Decision ending = look(seen);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  seen = after(seen, ending);
  EXPECT_THAT(names(look(seen)), ElementsAre("RemoveFinalizer"));
}

TEST(DecideGiveBack, an_engine_that_is_deleted_while_it_runs_is_not_trusted) {
  Observed seen = begun();
  seen.pods = {pod_of(seen.jobs[0], running())};
  seen.object.deleted = seen.now;
  seen = after(seen, look(seen));
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
}

TEST(DecideGiveBack, a_job_that_somebody_deleted_leaves_the_memory_of_a_slot_to_the_next_attempt) {
  Observed seen = begun();
  seen.jobs.clear();
  const Decision again = look(seen);
  EXPECT_EQ(names(again).back(), "CreateJob");
  EXPECT_EQ(again.status.snapshot->may_hold_slot, true);
  EXPECT_TRUE(wants_a_live_look(again));
}

TEST(DecideGiveBack, a_status_without_that_memory_counts_as_one_that_says_yes) {
  Observed seen = fail(begun(), ended(2, refusal("SourceAccessDenied")));
  seen.object.status.snapshot->may_hold_slot.reset();
  expect_release_once(seen, "SourceAccessDenied");
}

TEST(DecideGiveBack, an_attempt_after_one_without_that_memory_remembers_for_it) {
  Observed seen = outage();
  seen.object.status.snapshot->may_hold_slot.reset();
  seen.now += std::chrono::minutes(5);
  EXPECT_EQ(look(seen).status.snapshot->may_hold_slot, true);
  seen.object.spec.state = State::paused;
  EXPECT_EQ(names(look(seen)).back(), "CreateJob");
}

TEST(DecideGiveBack, a_failed_engine_is_counted_by_its_job_before_that_is_ended) {
  Observed seen = outage();
  seen.now += std::chrono::minutes(5);
  seen = after(seen, decide(seen));
  seen.pods = {pod_of(seen.jobs.at(0), ended(2, refusal("SourceAccessDenied")))};
  seen = after(seen, decide(seen));
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "its log is still to be read";
  EXPECT_TRUE(look(seen).recheck);
}

}  // namespace
}  // namespace tributary::replication
