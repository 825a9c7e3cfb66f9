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
using ::testing::Not;
using v1alpha1::Phase;
using v1alpha1::Truth;

using std::chrono::minutes;

std::string away() {
  return report(1, "SourceUnreachable", "connection to 10.1.1.1:5432 refused");
}

// A Job that ended at noon and 30 seconds and whose end was not recorded yet.
Observed given_up(Container engine, const std::string& why = "BackoffLimitExceeded") {
  Observed seen = finished(std::move(engine), JobState::failed);
  seen.jobs[0].fail_reason = why;
  seen.jobs[0].failed_pods = 7;
  seen.now = noon + minutes(1);
  return seen;
}

Observed recorded(Observed seen) {
  return after(seen, decide(seen));
}

// --- an end that may pass

TEST(Again, an_outage_that_outlived_the_engine_is_no_standstill) {
  const Decision decision = look(given_up(ended(1, away())));
  EXPECT_FALSE(stalled(decision));
  EXPECT_EQ(truth(decision, "Reconciling"), Truth::yes);
  EXPECT_EQ(truth(decision, "Ready"), Truth::no);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::no);
  EXPECT_EQ(reason(decision), "SourceUnreachable");
  EXPECT_EQ(message(decision), "connection to 10.1.1.1:5432 refused; another attempt is due at " +
                                   rfc3339(noon + Seconds(30) + minutes(1)));
  EXPECT_EQ(decision.status.phase, Phase::pending);
  EXPECT_EQ(decision.status.snapshot->outages, 1);
  EXPECT_THAT(names(decision), IsEmpty()) << "recorded before anything else happens";
}

TEST(Again, the_next_job_waits_its_time_and_then_begins) {
  Observed seen = recorded(given_up(ended(1, away())));
  const Decision waiting = look(seen);
  EXPECT_THAT(names(waiting), IsEmpty());
  EXPECT_EQ(waiting.status, seen.object.status);
  EXPECT_EQ(waiting.recheck, Milliseconds(Seconds(30)));
  seen.now = noon + Seconds(89);
  EXPECT_EQ(look(seen).recheck, Milliseconds(Seconds(1)));
  seen.now = noon + Seconds(90);
  const Decision next = look(seen);
  EXPECT_THAT(names(next), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(next.status.snapshot->attempt, 2);
  EXPECT_EQ(next.status.snapshot->outages, 1);
  EXPECT_EQ(recorded(seen).jobs.back().outages, 1) << "the job itself is the record of its start";
}

TEST(Again, the_wait_does_not_need_the_job) {
  Observed seen = recorded(given_up(ended(1, away())));
  seen.jobs.clear();
  seen.pods.clear();
  EXPECT_EQ(look(seen).recheck, Milliseconds(Seconds(30)));
  seen.now += minutes(1);
  EXPECT_EQ(look(seen).status.snapshot->attempt, 2);
}

TEST(Again, waits_grow_to_half_an_hour) {
  v1alpha1::Run run;
  run.result = v1alpha1::RunResult::failed;
  run.completion_time = rfc3339(noon);
  EXPECT_EQ(retry_time(run), std::nullopt) << "that one waits for a person";
  const int expected[] = {1, 2, 4, 8, 16, 30, 30};
  for (const int wait : expected) {
    ++run.outages;
    EXPECT_EQ(retry_time(run), noon + minutes(wait)) << run.outages;
  }
  run.outages = 2'000'000'000;
  EXPECT_EQ(retry_time(run), noon + minutes(30));
  run.result = v1alpha1::RunResult::succeeded;
  EXPECT_EQ(retry_time(run), std::nullopt);
}

TEST(Again, outages_in_a_row_are_counted_across_jobs_that_the_status_never_heard_of) {
  Observed seen = scene();
  seen.jobs = {job_of(seen, 4, {.outages = 3})};
  EXPECT_EQ(look(seen).status.snapshot->outages, 3);
  seen.pods = {pod_of(seen.jobs[0], ended(1, away()))};
  seen.jobs[0].state = JobState::failed;
  seen.jobs[0].fail_reason = "BackoffLimitExceeded";
  seen.now = noon + minutes(1);
  seen = recorded(seen);
  EXPECT_EQ(seen.object.status.snapshot->outages, 4);
  EXPECT_EQ(look(seen).status.snapshot->outages, 4) << "counted once, however often it is looked at";
}

TEST(Again, another_end_ends_the_row) {
  Observed seen = recorded(given_up(ended(1, away())));
  seen.now = noon + minutes(2);
  seen = recorded(seen);
  ASSERT_EQ(seen.jobs.size(), 1U);
  seen.pods = {pod_of(seen.jobs[0], ended(2, report(2, "TargetNotEmpty", "it holds tables")))};
  const Decision decision = look(seen);
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(decision.status.snapshot->outages, 0);
}

TEST(Again, each_end_decides_whether_a_person_is_needed) {
  struct Case {
    const char* sentence;
    Container engine;
    const char* why;
    bool may_pass;
  };
  const Case cases[] = {
      {"no connection", ended(1, report(1, "Unavailable", "server closed the connection")), "BackoffLimitExceeded",
       true},
      {"target away", ended(1, report(1, "TargetUnreachable", "no route")), "BackoffLimitExceeded", true},
      {"a lock of a lost node's session", ended(5, report(5, "Fenced", "held by another")), "PodFailurePolicy", true},
      {"fenced without a word", ended(5), "PodFailurePolicy", false},
      {"nothing moved", ended(1, report(1, "Stalled", "no progress for 15 min")), "BackoffLimitExceeded", false},
      {"another failure", ended(1, report(1, "SnapshotFailed", "disk full")), "BackoffLimitExceeded", false},
      {"the word of an outage with another code", ended(2, report(2, "Unavailable", "x")), "PodFailurePolicy", false},
      {"a report of somebody else", ended(1, report(1, "Unavailable", "x", "", "other-uid")), "BackoffLimitExceeded",
       false},
      {"out of memory", ended(137, "", "OOMKilled"), "BackoffLimitExceeded", false},
      {"killed", ended(137), "BackoffLimitExceeded", false},
      {"too late", ended(1, away()), "DeadlineExceeded", false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sentence);
    const Decision decision = look(given_up(one.engine, one.why));
    EXPECT_EQ(stalled(decision), !one.may_pass);
    EXPECT_EQ(decision.status.snapshot->outages, one.may_pass ? 1 : 0);
    EXPECT_THAT(news(scene().object.status, decision.status)[0].kind, kube::EventKind::warning);
  }
}

TEST(Again, an_end_of_the_same_reason_as_the_attempt_before_is_news) {
  for (const std::string& words : {away(), report(1, "SnapshotFailed", "disk full")}) {
    Observed seen = with_engine(ended(1, words));
    seen.object.status = decide(seen).status;
    const v1alpha1::Status before = seen.object.status;
    seen.jobs[0].state = JobState::failed;
    seen.jobs[0].fail_reason = "BackoffLimitExceeded";
    const v1alpha1::Status after = look(seen).status;
    ASSERT_EQ(news(before, after).size(), 1U);
    EXPECT_EQ(news(before, after)[0].kind, kube::EventKind::warning);
    EXPECT_THAT(news(after, after), IsEmpty());
  }
}

TEST(Again, outages_do_not_use_up_the_limit_of_crashes) {
  Observed seen = given_up(ended(137, "", "OOMKilled"));
  Pod before = pod_of(seen.jobs[0], ended(1, away()));
  before.created = noon - minutes(20);
  seen.pods.push_back(before);
  const Decision decision = look(seen);
  EXPECT_FALSE(stalled(decision));
  EXPECT_EQ(reason(decision), "OOMKilled");
  EXPECT_THAT(message(decision), Not(HasSubstr("given up")));
  EXPECT_THAT(message(decision), HasSubstr("another attempt is due"));
}

TEST(Again, a_change_of_spec_or_secret_does_not_wait) {
  for (const bool secret : {true, false}) {
    Observed seen = recorded(given_up(ended(1, away())));
    if (secret) seen.secrets[0].resource_version = "99";
    if (!secret) seen.object.generation = 2;
    const Decision decision = look(seen);
    EXPECT_THAT(names(decision), ElementsAre("DeleteJob", "ApplyConfigMap", "CreateJob"));
    EXPECT_EQ(decision.status.snapshot->outages, 0) << "what was changed may have been the cause";
  }
}

TEST(Again, nothing_begins_by_itself_while_paused_and_running_again_does_not_wait) {
  Observed seen = given_up(ended(1, away()));
  seen.jobs[0].failed_pods = 1;
  seen = recorded(seen);
  seen.object.spec.state = v1alpha1::State::paused;
  seen.object.generation = 2;
  seen.now += minutes(10);
  const Decision paused = look(seen);
  EXPECT_THAT(names(paused), IsEmpty());
  EXPECT_EQ(paused.status.phase, Phase::paused);
  EXPECT_FALSE(paused.recheck);
  seen = after(seen, paused);
  seen.object.spec.state = v1alpha1::State::running;
  seen.object.generation = 3;
  EXPECT_EQ(look(seen).status.snapshot->attempt, 2);
}

TEST(Again, a_secret_that_went_meanwhile_is_named_at_once) {
  Observed seen = recorded(given_up(ended(1, away())));
  seen.secrets.pop_back();
  EXPECT_EQ(reason(look(seen)), "SecretNotFound");
}

TEST(Again, an_attempt_that_is_due_waits_for_what_may_still_write) {
  Observed seen = recorded(given_up(ended(5, report(5, "Fenced", "held by another")), "PodFailurePolicy"));
  seen.pods.push_back(pod_of(seen.jobs[0], running()));
  seen.pods.back().name = "lost";
  seen.now += minutes(10);
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("DeleteJob"));
  EXPECT_THAT(message(decision), HasSubstr("waiting for pod lost to end"));
  EXPECT_TRUE(decision.recheck);
}

TEST(Again, a_node_whose_clock_is_ahead_delays_nothing) {
  Observed seen = given_up(ended(1, away()));
  seen.pods[0].engine.since = seen.now + std::chrono::hours(5);
  EXPECT_EQ(decide(recorded(seen)).recheck, Milliseconds(minutes(1)));
}

TEST(Again, an_unreachable_end_does_not_end_a_validation_for_good) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::validate;
  seen = recorded(seen);
  seen.pods = {pod_of(seen.jobs[0], ended(1, away()))};
  seen.jobs[0].state = JobState::failed;
  seen.jobs[0].fail_reason = "BackoffLimitExceeded";
  seen.now = noon + minutes(1);
  seen = recorded(seen);
  EXPECT_FALSE(stalled(look(seen)));
  EXPECT_EQ(truth(look(seen), "Validated"), Truth::no);
  seen.now += minutes(1);
  EXPECT_EQ(look(seen).status.validation->attempt, 2);
}

// --- Secrets that the operator may not watch

Observed unwatched() {
  Observed seen = scene();
  seen.secrets.clear();
  seen.unwatched_secrets = {"shop-source", "shop-target"};
  return seen;
}

TEST(Unwatched, secrets_are_neither_missing_nor_found) {
  Observed seen = unwatched();
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), ElementsAre("ApplyConfigMap", "CreateJob"));
  EXPECT_EQ(truth(decision, "CredentialsSynced"), Truth::unknown);
  EXPECT_EQ(reason(decision, "CredentialsSynced"), "NotWatched");
  seen.unwatched_secrets.pop_back();
  EXPECT_EQ(message(look(seen), "CredentialsSynced"),
            "secret shop-target does not exist in namespace prod (hint: create it; nothing else is needed)");
}

TEST(Unwatched, secrets_are_named_where_somebody_would_wait_for_a_change_to_be_noticed) {
  for (const std::string& words : {report(2, "BadSource", "secret for source has no key host"),
                                   report(2, "SourceAccessDenied", "password authentication failed")}) {
    Observed seen = unwatched();
    seen = recorded(seen);
    seen.pods = {pod_of(seen.jobs[0], ended(2, words))};
    EXPECT_THAT(message(look(seen), "Stalled"), HasSubstr("may not watch secret shop-source and shop-target"));
    EXPECT_THAT(message(look(seen), "Stalled"), HasSubstr("requestID"));
  }
  Observed seen = recorded(unwatched());
  seen.pods = {pod_of(seen.jobs[0], ended(2, report(2, "TargetNotEmpty", "it holds tables")))};
  EXPECT_EQ(message(look(seen), "Stalled"), "it holds tables");
}

// --- a completed snapshot

TEST(Again, a_spec_that_asks_for_something_else_than_was_copied_is_told_once) {
  Observed seen = completed();
  const v1alpha1::Status before = seen.object.status;
  seen.object.generation = 2;
  seen.object.spec.tables.exclude = {"shop.public.sessions"};
  const Decision decision = look(seen);
  EXPECT_THAT(names(decision), IsEmpty());
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::yes);
  for (const char* type : {"Ready", "SnapshotComplete"}) {
    EXPECT_EQ(reason(decision, type), "SpecChanged");
    EXPECT_THAT(message(decision, type), HasSubstr("as generation 1 of the spec asked"));
    EXPECT_THAT(message(decision, type), HasSubstr("spec.snapshot.requestID"));
  }
  ASSERT_EQ(news(before, decision.status).size(), 1U);
  EXPECT_EQ(news(before, decision.status)[0].reason, "SpecChanged");
  seen.object.status = decision.status;
  EXPECT_EQ(look(seen).status, decision.status);
  seen.object.spec.tables.exclude.clear();
  seen.object.generation = 3;
  EXPECT_EQ(reason(look(seen)), "SnapshotComplete");
}

TEST(Again, what_does_not_decide_which_rows_arrive_changes_nothing) {
  Observed seen = completed();
  seen.object.generation = 2;
  seen.object.spec.snapshot.parallelism = 9;
  seen.object.spec.source.ssl_mode = "require";
  EXPECT_EQ(reason(look(seen)), "SnapshotComplete");
}

TEST(Again, an_operator_that_makes_the_digest_otherwise_calls_nothing_changed) {
  Observed seen = completed();
  seen.object.status.snapshot->inputs_hash = "of an older version";
  seen.jobs.clear();
  EXPECT_EQ(reason(look(seen)), "SnapshotComplete");
}

TEST(Again, an_operator_that_makes_the_digest_otherwise_ends_no_running_engine) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(42)};
  seen.jobs[0].inputs_hash = "of an older version";
  seen.jobs[0].rendered_hash = "of an older version";
  seen.image = "tributary:newer";
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(reason(look(seen)), "Copying");
  seen.secrets[0].resource_version = "99";
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "the mounted file is read anew at every connect";
  seen.object.generation = 2;
  seen.object.spec.tables.exclude = {"shop.public.sessions"};
  EXPECT_THAT(names(look(seen)), ElementsAre("DeleteJob"));
}

TEST(Again, an_operator_that_makes_the_digest_otherwise_validates_nothing_again) {
  Observed seen = scene();
  seen.object.spec.mode = v1alpha1::Mode::validate;
  seen = recorded(seen);
  seen.pods = {pod_of(seen.jobs[0], ended(0, report(0, "Validated", "fine"), "Completed"))};
  seen = recorded(seen);
  seen.object.status.validation->inputs_hash = "of an older version";
  seen.jobs.clear();
  seen.pods.clear();
  EXPECT_THAT(names(look(seen)), IsEmpty());
}

TEST(Again, repeating_a_snapshot_says_what_it_replaces) {
  Observed seen = completed();
  const v1alpha1::Status before = seen.object.status;
  seen.object.generation = 2;
  seen.object.spec.snapshot.request_id = "again";
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Repeating");
  EXPECT_THAT(message(decision), HasSubstr("replaces what the one before copied"));
  ASSERT_EQ(news(before, decision.status).size(), 1U);
  EXPECT_EQ(news(before, decision.status)[0].note, message(decision));
}

// --- counts are the report's or nobody's

TEST(Again, a_success_without_a_report_claims_no_counts) {
  Observed seen = with_engine(running());
  seen.voice = Voice{.progress = copying(99)};
  seen.object.status = decide(seen).status;
  ASSERT_GT(seen.object.status.snapshot->rows_copied, 0U);
  seen.voice.reset();
  seen.pods = {pod_of(seen.jobs[0], ended(0))};
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "SnapshotComplete"), Truth::yes);
  EXPECT_THAT(message(decision), HasSubstr("report was lost"));
  EXPECT_THAT(decision.status.databases, IsEmpty());
  const nlohmann::json run = to_json(decision.status)["snapshot"];
  for (const char* count : {"tablesTotal", "tablesDone", "rowsCopied", "bytesCopied", "consistency"}) {
    EXPECT_FALSE(run.contains(count)) << count;
  }
  seen = after(seen, decision);
  EXPECT_EQ(look(seen).status, decision.status);
}

}  // namespace
}  // namespace tributary::replication
