#include "operator/replication/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/testing/single_pass.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Misfortune;
using kube::testing::Served;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Phase;
using v1alpha1::RunResult;
namespace kinds = kube::kinds;

const Misfortune refusal{Misfortune::Kind::answer, 409, "Conflict", "the object has been modified"};
const Misfortune outage{Misfortune::Kind::answer, 500, "InternalError", "no"};

using ReconcileTest = SinglePass;

TEST_F(ReconcileTest, the_first_pass_holds_the_object_then_makes_config_map_and_job_and_then_says_so) {
  const kube::Requeue next = pass().value();
  EXPECT_THAT(bed.writes(),
              ElementsAre("PATCH replications", "PATCH configmaps", "POST jobs", "PATCH replications/status"));
  const v1alpha1::Replication seen = bed.replication();
  EXPECT_TRUE(seen.finalized);
  EXPECT_EQ(seen.status.phase, Phase::pending);
  EXPECT_EQ(seen.status.snapshot->job_name, bed.job().name());
  EXPECT_EQ(bed.job().label(v1alpha1::uid_label), seen.uid);
  EXPECT_FALSE(bed.server.find(kinds::config_maps, bed.job().key()).json().is_null());
  EXPECT_TRUE(next.after);
}

TEST_F(ReconcileTest, the_first_pass_asks_the_server_for_nothing_before_it_writes) {
  fill_caches();
  bed.server.forget_served();
  blind_pass().value();
  for (const Served& served : bed.server.served()) EXPECT_NE(served.method, kube::Method::get) << served.path;
}

TEST_F(ReconcileTest, an_object_that_lost_its_finalizer_is_not_taken_for_a_new_one) {
  pass().value();
  Json object = bed.server.find(replications(), shop).json();
  object["metadata"].erase("finalizers");
  bed.server.put(replications(), object);
  bed.erase_job();
  fill_caches();
  bed.server.forget_served();
  blind_pass().value();
  EXPECT_EQ(bed.server.served().front().method, kube::Method::get);
}

TEST_F(ReconcileTest, what_the_engine_answers_becomes_status) {
  copy();
  const v1alpha1::Status status = bed.replication().status;
  EXPECT_EQ(status.phase, Phase::snapshotting);
  EXPECT_EQ(status.progress, "33%");
  EXPECT_EQ(bed.reason("Validated"), "Validated");
}

TEST_F(ReconcileTest, a_status_written_because_of_an_answer_does_not_ask_the_engine_again) {
  copy();
  const int asked = bed.asked();
  bed.answer(copying(66));
  fill_caches();
  reconciler(shop, {}).value();
  EXPECT_EQ(bed.asked(), asked);
}

TEST_F(ReconcileTest, a_pass_that_finds_nothing_new_writes_nothing) {
  copy();
  bed.server.forget_served();
  EXPECT_TRUE(pass().value().after) << "a running engine is asked again";
  EXPECT_THAT(bed.writes(), IsEmpty());
  bed.succeed();
  pass().value();
  bed.server.forget_served();
  EXPECT_FALSE(pass().value().after) << "a completed snapshot rests";
  EXPECT_THAT(bed.writes(), IsEmpty());
}

TEST_F(ReconcileTest, completion_is_recorded_with_the_job_still_there) {
  copy();
  bed.succeed();
  bed.server.forget_served();
  pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("PATCH replications/status"));
  EXPECT_EQ(bed.replication().status.snapshot->result, RunResult::succeeded);
  EXPECT_EQ(bed.replication().status.progress, "100%");
  EXPECT_TRUE(v1alpha1::is_true(bed.replication().status, "Ready"));
  EXPECT_EQ(bed.jobs(), 1U);
}

TEST_F(ReconcileTest, a_job_whose_end_could_not_be_recorded_is_left_alone_until_it_is) {
  copy();
  bed.succeed();
  bed.change(Json::parse(R"({"spec":{"state":"Stopped","snapshot":{"requestID":"again"}}})"));
  fail_once("PATCH", "/status", outage);
  bed.server.forget_served();
  EXPECT_FALSE(pass().ok());
  EXPECT_THAT(bed.writes(), ElementsAre("PATCH replications/status"));
  EXPECT_EQ(bed.replication().status.snapshot->result, RunResult::none);
  pass().value();
  EXPECT_EQ(bed.replication().status.snapshot->result, RunResult::succeeded);
  EXPECT_EQ(bed.jobs(), 1U);
}

TEST_F(ReconcileTest, a_job_that_is_seen_to_end_before_its_pod_still_ends_with_the_engines_words) {
  copy();
  bed.server.set_fate([](const Served& served) {
    return served.path == "/api/v1/pods" ? Misfortune{Misfortune::Kind::drop} : Misfortune{};  // watch and its lists
  });
  bed.server.reset_streams();
  bed.end_pod(2, report(2, "AuthenticationFailed", "no", "", bed.replication().uid));
  bed.finish_job("Failed", "PodFailurePolicy");
  EXPECT_TRUE(comes_true([&] {
    return shows(scopes[0]->jobs(), bed.server.all(kinds::jobs)) &&
           shows(scopes[0]->objects(), bed.server.all(replications()));
  }));
  blind_pass().value();
  EXPECT_EQ(bed.reason("Stalled"), "AuthenticationFailed");
}

TEST_F(ReconcileTest, a_deleted_finished_job_never_runs_again) {
  complete();
  bed.erase_job();
  bed.erase_pod();
  pass().value();
  bed.change(Json::parse(R"({"spec":{"snapshot":{"backoffLimit":2,"parallelism":3}}})"));
  bed.put_secret("shop-source");
  pass().value();
  EXPECT_EQ(bed.jobs(), 0U);
  EXPECT_EQ(bed.replication().status.observed_generation, bed.replication().generation);
  EXPECT_TRUE(v1alpha1::is_true(bed.replication().status, "Ready"));
}

TEST_F(ReconcileTest, a_new_request_id_does_run_again) {
  complete();
  bed.erase_job();
  bed.erase_pod();
  bed.change(Json::parse(R"({"spec":{"snapshot":{"requestID":"again"}}})"));
  pass().value();
  ASSERT_EQ(bed.jobs(), 1U);
  EXPECT_EQ(bed.job().annotation(v1alpha1::attempt_annotation), "2");
}

TEST_F(ReconcileTest, an_outage_is_outlived_without_help) {
  copy();
  bed.end_pod(1, report(1, "SourceUnreachable", "refused", "", bed.replication().uid));
  bed.finish_job("Failed", "BackoffLimitExceeded");
  const kube::Requeue waiting = pass().value();
  EXPECT_EQ(bed.replication().status.snapshot->outages, 1);
  EXPECT_FALSE(waiting.after) << "the write itself wakes it";
  bed.server.forget_served();
  // A node's clock says noon of long ago: it is due.
  pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("DELETE configmaps", "DELETE jobs", "PATCH configmaps", "POST jobs",
                                        "PATCH replications/status"));
  EXPECT_EQ(bed.job().annotation(v1alpha1::attempt_annotation), "2");
  EXPECT_EQ(bed.job().annotation(v1alpha1::outages_annotation), "1");
  EXPECT_EQ(bed.reason("Stalled"), "");
}

TEST_F(ReconcileTest, a_status_written_by_an_older_look_is_refused_and_the_next_pass_writes_it) {
  copy();
  bed.answer(copying(66));
  fail_once("PATCH", "/status", refusal);
  const Result<kube::Requeue> first = pass();
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().fault, Fault::conflict);
  EXPECT_EQ(bed.replication().status.progress, "33%");
  pass().value();
  EXPECT_EQ(bed.replication().status.progress, "66%");
}

TEST_F(ReconcileTest, a_first_status_that_is_refused_is_written_after_a_look_at_the_server) {
  fail_once("PATCH", "/status", refusal);
  pass().value();
  EXPECT_EQ(bed.jobs(), 1U);
  EXPECT_EQ(bed.replication().status.snapshot->attempt, 1);
}

TEST_F(ReconcileTest, a_new_object_that_was_changed_since_it_was_seen_gets_no_status_before_it_is_looked_at_again) {
  bed.server.silence_streams();
  bed.change(Json::parse(R"({"metadata":{"annotations":{"somebody":"was here"}}})"));
  bed.server.forget_served();
  blind_pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("PATCH replications", "PATCH replications", "PATCH configmaps", "POST jobs",
                                        "PATCH replications/status"));
  EXPECT_EQ(bed.reason(), "Starting");
}

TEST_F(ReconcileTest, a_change_between_look_and_write_is_noticed) {
  copy();
  bed.server.silence_streams();
  bed.change(Json::parse(R"({"metadata":{"annotations":{"somebody":"was here"}}})"));
  bed.answer(copying(66));
  EXPECT_EQ(blind_pass().error().fault, Fault::conflict);
  EXPECT_EQ(bed.replication().status.progress, "33%");
}

TEST_F(ReconcileTest, a_cache_that_does_not_know_the_job_yet_makes_no_second_one) {
  bed.server.silence_streams();
  blind_pass().value();
  EXPECT_EQ(bed.jobs(), 1U);
  blind_pass().value();
  EXPECT_EQ(bed.jobs(), 1U);
  // What the caches miss further: the engine ran, that was recorded, and its Job is gone.
  v1alpha1::Status status = bed.replication().status;
  status.snapshot->result = RunResult::succeeded;
  Json object = bed.server.find(replications(), shop).json();
  object["status"] = to_json(status);
  bed.server.put(replications(), object);
  bed.erase_job();
  blind_pass().value();
  EXPECT_EQ(bed.jobs(), 0U);
}

TEST_F(ReconcileTest, a_cache_that_shows_the_job_before_the_spec_it_was_made_for_does_not_end_it) {
  const auto keep_from_watching_objects = [](const Served& served) {
    return served.path.ends_with("/replications") ? Misfortune{Misfortune::Kind::drop} : Misfortune{};
  };
  pass().value();
  bed.server.set_fate(keep_from_watching_objects);
  bed.server.reset_streams();
  bed.change(Json::parse(R"({"spec":{"tables":{"include":["shop.public.a"]}}})"));
  bed.erase_job();
  EXPECT_TRUE(comes_true([&] { return scopes[0]->jobs().size() == 0; }));
  // The live look makes a Job for the changed spec, if not at once: ending the streams may break a call as well.
  EXPECT_TRUE(comes_true([&] { return blind_pass().ok(); }));
  ASSERT_EQ(bed.jobs(), 1U);
  const std::string uid = bed.job().uid();
  EXPECT_TRUE(comes_true([&] { return shows(scopes[0]->jobs(), bed.server.all(kinds::jobs)); }));
  // The object that the cache shows is old: its status may be refused, and is then written by another pass.
  const Result<kube::Requeue> last = blind_pass();
  EXPECT_TRUE(last || last.error().fault == Fault::conflict) << describe(last.error());
  EXPECT_EQ(bed.job().uid(), uid);
}

TEST_F(ReconcileTest, a_cache_that_shows_the_job_before_the_last_does_not_bring_back_what_that_one_did) {
  complete();
  bed.server.set_fate([](const Served& served) {
    return served.path == "/apis/batch/v1/jobs" ? Misfortune{Misfortune::Kind::drop} : Misfortune{};
  });
  bed.server.reset_streams();
  bed.change(Json::parse(R"({"spec":{"snapshot":{"requestID":"again"}}})"));
  const auto objects_are_shown = [&] { return shows(scopes[0]->objects(), bed.server.all(replications())); };
  EXPECT_TRUE(comes_true(objects_are_shown));
  // Ending the streams may break a call as well.
  EXPECT_TRUE(comes_true([&] { return blind_pass().ok(); }));
  ASSERT_EQ(bed.replication().status.snapshot->attempt, 2);
  EXPECT_TRUE(comes_true(objects_are_shown));
  blind_pass().value();
  EXPECT_EQ(bed.replication().status.snapshot->attempt, 2);
  EXPECT_FALSE(v1alpha1::is_true(bed.replication().status, "Ready"));
}

TEST_F(ReconcileTest, a_first_visit_that_fails_leaves_no_object_that_looks_settled) {
  fail_once("POST", "/jobs", outage);
  EXPECT_FALSE(pass().ok());
  EXPECT_TRUE(v1alpha1::is_true(bed.replication().status, "Reconciling"));
  EXPECT_EQ(bed.replication().status.observed_generation, bed.replication().generation);
  pass().value();
  EXPECT_EQ(bed.reason(), "Starting");
}

TEST_F(ReconcileTest, a_job_whose_creation_was_not_answered_is_adopted) {
  fail_once("POST", "/jobs", {Misfortune::Kind::drop_after});
  EXPECT_FALSE(pass().ok());
  ASSERT_EQ(bed.jobs(), 1U);
  const std::string uid = bed.job().uid();
  pass().value();
  EXPECT_EQ(bed.job().uid(), uid);
  EXPECT_EQ(bed.replication().status.snapshot->job_name, bed.job().name());
}

TEST_F(ReconcileTest, a_refused_creation_is_told_and_tried_again) {
  fail_once("POST", "/jobs", {Misfortune::Kind::answer, 403, "Forbidden", "jobs are forbidden: exceeded quota: few"});
  EXPECT_EQ(pass().error().fault, Fault::denied);
  EXPECT_EQ(bed.reason("Stalled"), "QuotaExceeded");
  pass().value();
  EXPECT_EQ(bed.jobs(), 1U);
  EXPECT_EQ(bed.reason("Stalled"), "");
}

TEST_F(ReconcileTest, somebody_elses_job_of_the_same_name_is_not_taken) {
  pass().value();
  Json foreign = bed.job().json();
  bed.erase_job();
  foreign["metadata"] = {{"name", foreign["metadata"]["name"]}, {"namespace", shop.space}};
  bed.server.put(kinds::jobs, foreign);
  EXPECT_TRUE(comes_true([&] { return scopes[0]->jobs().size() == 0; }));
  // The status knows of a first attempt that is gone, so the second has another name; take the first one's again.
  bed.server.put(replications(), [&] {
    Json object = bed.server.find(replications(), shop).json();
    object["status"] = Json::object();
    return object;
  }());
  EXPECT_TRUE(comes_true([&] {
    return kube::at(scopes[0]->objects().find(shop)->json(), {"status", "snapshot"}).is_null();
  }));
  EXPECT_EQ(blind_pass().error().fault, Fault::invalid);
  EXPECT_EQ(bed.reason("Stalled"), "Refused");
}

TEST_F(ReconcileTest, a_config_map_that_a_pod_waits_for_comes_back_and_one_that_is_there_stays) {
  pass().value();
  bed.hold_pod();
  now += Seconds(20);
  Json older = bed.server.find(kinds::config_maps, bed.job().key()).json();
  older["data"] = {{"spec.json", "as an older release wrote it"}};
  bed.server.put(kinds::config_maps, older);
  pass().value();
  EXPECT_EQ(bed.server.find(kinds::config_maps, bed.job().key()).json()["data"], older["data"]);
  bed.server.erase(kinds::config_maps, bed.job().key());
  pass().value();
  EXPECT_FALSE(bed.server.find(kinds::config_maps, bed.job().key()).json().is_null());
}

TEST_F(ReconcileTest, a_missing_secret_is_awaited_without_a_job) {
  bed.remove_secret("shop-source");
  pass().value();
  EXPECT_EQ(bed.jobs(), 0U);
  EXPECT_EQ(bed.reason("CredentialsSynced"), "SecretNotFound");
  bed.put_secret("shop-source");
  pass().value();
  EXPECT_EQ(bed.jobs(), 1U);
}

TEST_F(ReconcileTest, no_value_of_a_secret_is_ever_asked_for) {
  pass().value();
  const kube::Seen secret = scopes[0]->secret({shop.space, "shop-source"});
  ASSERT_TRUE(secret);
  EXPECT_THAT(secret->json().dump(), ::testing::Not(HasSubstr("c2VjcmV0")));
}

TEST_F(ReconcileTest, what_the_server_says_is_not_there_and_is_all_the_same_is_looked_at_again) {
  complete();
  bed.ask_to_delete();
  int left = 1;
  bed.server.set_fate([&left](const Served& served) {
    const bool lets_go = served.method == kube::Method::patch && served.path.ends_with("/replications/shop");
    return lets_go && left-- > 0 ? Misfortune{Misfortune::Kind::answer, 404, "", "404 page not found"} : Misfortune{};
  });
  EXPECT_FALSE(pass().ok()) << "its kind was not served for a moment";
  pass().value();
  EXPECT_EQ(bed.replication().uid, "");
}

TEST_F(ReconcileTest, a_status_that_finds_no_object_is_written_again) {
  copy();
  bed.answer(copying(66));
  int left = 1;
  bed.server.set_fate([&left](const Served& served) {
    return served.path.ends_with("/status") && left-- > 0
               ? Misfortune{Misfortune::Kind::answer, 404, "", "no such kind"}
               : Misfortune{};
  });
  EXPECT_FALSE(pass().ok());
  pass().value();
  EXPECT_EQ(bed.replication().status.progress, "66%");
}

TEST_F(ReconcileTest, an_object_that_is_gone_is_nobodys_error) {
  bed.server.erase(replications(), shop);
  EXPECT_TRUE(pass().ok());
  EXPECT_THAT(bed.writes(), IsEmpty());
}

}  // namespace
}  // namespace tributary::replication
