#include "operator/replication/slot_hold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/api/conditions.h"
#include "operator/replication/release_status.h"
#include "operator/replication/status.h"
#include "operator/replication/testing/decisions.h"

// A slot of a copy whose engines do not come.
namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Mode;
using v1alpha1::Truth;

api::Progress waiting_for_a_server() {
  api::Progress progress = copying(0);
  progress.phase = api::Phase::waiting;
  progress.checks = api::Checks::not_passed;
  progress.message = "the target: no route to host";
  return progress;
}

class ASlotWithoutAnEngine : public ::testing::TestWithParam<Mode> {
 protected:
  // A copy at work, with its slot.
  ASlotWithoutAnEngine() {
    seen_ = scene();
    seen_.object.spec.mode = GetParam();
    visit();
    seen_.pods = {pod_of(seen_.jobs.at(0), running())};
    seen_.voice = Voice{.progress = copying(42)};
    visit();
  }

  Decision visit() {
    Decision decision = look(seen_);
    for (const kube::EventNote& note : news(seen_.object.status, decision.status)) told_.push_back(note.reason);
    seen_ = after(seen_, decision);
    return decision;
  }
  // Looks every five minutes, as nothing else changes.
  void pass(minutes time) {
    for (const WallTime end = seen_.now + time; seen_.now < end;) {
      seen_.now += minutes(5);
      visit();
    }
  }
  void end_attempt(Container engine) {
    seen_.voice.reset();
    seen_.jobs.at(0).state = JobState::failed;
    seen_.pods = {pod_of(seen_.jobs[0], std::move(engine))};
    seen_.pods[0].engine.since = seen_.now;
    visit();
  }
  // The engine of the attempt at hand finds no target.
  void wait_for_the_target() {
    seen_.pods = {pod_of(seen_.jobs.at(0), running())};
    seen_.voice = Voice{.progress = waiting_for_a_server()};
    visit();
  }
  void end_release() {
    seen_.releases.at(0).state = JobState::complete;
    seen_.pods = {pod_of(seen_.releases[0], ended(0, report(0, "Released", "done")))};
  }
  void expect_release_to_begin() {
    EXPECT_EQ(seen_.releases.size(), 1U);
    for (const Job& job : seen_.jobs) EXPECT_EQ(job.state, JobState::failed);
    const v1alpha1::Condition& ready = *v1alpha1::find_condition(seen_.object.status, "Ready");
    EXPECT_EQ(ready.reason, "SlotGivenUp");
    EXPECT_FALSE(v1alpha1::is_true(seen_.object.status, "Stalled"));
    EXPECT_EQ(v1alpha1::find_condition(seen_.object.status, "SourceReleased")->status, Truth::no);
    EXPECT_EQ(std::count(told_.begin(), told_.end(), "SlotGivenUp"), 1);
  }
  void expect_another_attempt_anew(const Decision& decision) {
    EXPECT_EQ(names(decision).back(), "CreateJob");
    EXPECT_EQ(decision.status.snapshot->may_hold_slot, false);
    EXPECT_EQ(decision.status.snapshot->slot_unheld_since, "");
    EXPECT_EQ(reason(decision), "Starting");
    EXPECT_EQ(reason(decision, "SourceReleased"), "");
  }

  Observed seen_;
  std::vector<std::string> told_;  // reasons of Events
};

INSTANTIATE_TEST_SUITE_P(Of, ASlotWithoutAnEngine, ::testing::Values(Mode::snapshot, Mode::snapshot_and_sync),
                         [](const auto& each) { return each.param == Mode::snapshot ? "snapshot" : "stream"; });

TEST_P(ASlotWithoutAnEngine, is_held_while_its_engine_copies_for_however_long) {
  for (int day = 0; day < 3; ++day) {
    pass(hours(24));
    EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, "");
  }
  EXPECT_EQ(seen_.jobs.size(), 1U);
}

TEST_P(ASlotWithoutAnEngine, is_given_back_after_an_hour_of_outage_and_the_copy_begins_again) {
  end_attempt(ended(1, report(1, "Unavailable", "no route to host")));
  EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, rfc3339(seen_.now));
  seen_.now += minutes(5);
  visit();
  ASSERT_EQ(seen_.jobs.size(), 1U) << "another attempt";
  EXPECT_EQ(seen_.object.status.snapshot->may_hold_slot, true);
  wait_for_the_target();
  pass(minutes(50));
  EXPECT_EQ(seen_.jobs.size(), 1U);
  seen_.now += minutes(5);
  const Decision ending = look(seen_);
  EXPECT_THAT(names(ending), ElementsAre("DeleteJob"));
  visit();
  seen_.voice.reset();
  visit();
  expect_release_to_begin();
  EXPECT_THAT(message(look(seen_)), HasSubstr("no route to host"));
  for (int round = 0; round < 2; ++round) {
    visit();
    EXPECT_EQ(look(seen_).status, seen_.object.status);
  }
  end_release();
  expect_another_attempt_anew(visit());
  wait_for_the_target();
  pass(hours(3));
  EXPECT_EQ(seen_.jobs.size(), 1U) << "there is nothing to be given back any more";
}

TEST_P(ASlotWithoutAnEngine, is_given_back_between_two_attempts_that_are_far_apart) {
  end_attempt(ended(1, report(1, "Unavailable", "no route to host")));
  seen_.object.status.snapshot->outages = 9;  // half an hour between two
  seen_.object.status.snapshot->slot_unheld_since = rfc3339(seen_.now - minutes(50));
  const Decision waiting_on = look(seen_);
  EXPECT_EQ(waiting_on.recheck, Milliseconds(minutes(10))) << "before the attempt is due";
  seen_.now += minutes(10);
  visit();
  expect_release_to_begin();
  end_release();
  visit();
  const Decision due_later = look(seen_);
  EXPECT_EQ(reason(due_later), "SlotGivenUp");
  EXPECT_THAT(message(due_later), HasSubstr("is given back, and another attempt copies everything anew"));
  EXPECT_EQ(truth(due_later, "SourceReleased"), Truth::yes);
  EXPECT_EQ(due_later.status, seen_.object.status) << "a message does not grow";
  seen_.now += minutes(20);
  expect_another_attempt_anew(look(seen_));
}

TEST_P(ASlotWithoutAnEngine, is_given_back_where_no_pod_can_be_had) {
  end_attempt(ended(137, "", "OOMKilled"));
  seen_.object.status.snapshot->result = v1alpha1::RunResult::none;
  seen_.object.status.snapshot->completion_time.clear();
  seen_.jobs.at(0).state = JobState::active;
  seen_.pods = {pod_of(seen_.jobs[0], waiting("", ""))};
  seen_.pods[0].unschedulable = "0/3 nodes are available";
  visit();
  pass(minutes(55));
  EXPECT_EQ(seen_.jobs.size(), 1U);
  EXPECT_EQ(v1alpha1::find_condition(seen_.object.status, "Ready")->reason, "Unschedulable");
  pass(minutes(10));
  expect_release_to_begin();
  EXPECT_THAT(message(look(seen_)), HasSubstr("0/3 nodes"));
}

TEST_P(ASlotWithoutAnEngine, is_held_again_by_the_next_engine_that_passes_its_checks) {
  end_attempt(ended(1, report(1, "Unavailable", "no route to host")));
  seen_.now += minutes(5);
  visit();
  wait_for_the_target();
  pass(minutes(45));
  seen_.voice->progress->checks = api::Checks::passed;
  visit();
  EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, "");
  pass(hours(5));
  EXPECT_EQ(seen_.jobs.size(), 1U);
}

// A NetworkPolicy keeps the operator from hearing it.
TEST_P(ASlotWithoutAnEngine, is_taken_to_be_held_by_an_engine_that_cannot_be_asked) {
  end_attempt(ended(1, report(1, "Unavailable", "no route to host")));
  seen_.now += minutes(5);
  visit();
  const std::string since = seen_.object.status.snapshot->slot_unheld_since;
  seen_.pods = {pod_of(seen_.jobs.at(0), running())};
  seen_.voice = Voice{.silent_since = seen_.now};
  visit();
  EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, since) << "it has just been started";
  pass(hours(5));
  EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, "");
  EXPECT_EQ(seen_.jobs.size(), 1U);
}

TEST_P(ASlotWithoutAnEngine, is_not_given_back_under_an_engine_that_has_just_been_started) {
  end_attempt(ended(1, report(1, "Unavailable", "no route to host")));
  seen_.now += minutes(5);
  visit();
  pass(minutes(50));
  seen_.pods = {pod_of(seen_.jobs.at(0), running())};
  seen_.voice = Voice{.silent_since = seen_.now};
  seen_.now += minutes(5);
  seen_.voice->silent_since = seen_.now - Seconds(30);
  EXPECT_THAT(names(look(seen_)), IsEmpty());
  wait_for_the_target();
  visit();
  seen_.voice.reset();
  visit();
  expect_release_to_begin();
}

TEST_P(ASlotWithoutAnEngine, is_not_looked_for_where_no_engine_got_past_its_checks) {
  seen_ = scene();
  seen_.object.spec.mode = GetParam();
  visit();
  wait_for_the_target();
  pass(hours(3));
  EXPECT_EQ(seen_.object.status.snapshot->slot_unheld_since, "");
  EXPECT_EQ(seen_.jobs.size(), 1U);
}

// ------------------------------------------------------------------------------------------ what is remembered

v1alpha1::Status unheld(v1alpha1::RunResult result, bool may_hold_slot) {
  v1alpha1::Status status;
  status.snapshot.emplace();
  status.snapshot->request_id = "1";
  status.snapshot->result = result;
  status.snapshot->may_hold_slot = may_hold_slot;
  status.snapshot->slot_unheld_since = rfc3339(scene().now);
  return status;
}

TEST(WhatIsRememberedOfASlot, is_not_its_cost_where_the_next_run_of_the_same_request_holds_none) {
  for (const bool holds : {false, true}) {
    v1alpha1::Status status = unheld(v1alpha1::RunResult::failed, holds);
    v1alpha1::set_condition(status, v1alpha1::condition::wal_limit_exceeded, Truth::yes, "Exceeded", "much",
                            scene().now);
    v1alpha1::Run next;
    next.request_id = "1";
    begin_run(status, Mode::snapshot, next, {}, scene().now);
    EXPECT_EQ(v1alpha1::find_condition(status, v1alpha1::condition::wal_limit_exceeded) != nullptr, holds);
  }
}

TEST(WhatIsRememberedOfASlot, is_nothing_when_it_was_given_back) {
  v1alpha1::Status status = unheld(v1alpha1::RunResult::failed, true);
  tell_given_back(status, scene().now);
  EXPECT_EQ(status.snapshot->slot_unheld_since, "");
}

TEST(WhatIsRememberedOfASlot, is_nothing_when_its_copy_has_succeeded) {
  Observed seen = scene();
  seen.object.spec.mode = Mode::snapshot;
  v1alpha1::Status status = unheld(v1alpha1::RunResult::succeeded, true);
  remember_hold(seen, status);
  EXPECT_EQ(status.snapshot->slot_unheld_since, "");
}

}  // namespace
}  // namespace tributary::replication
