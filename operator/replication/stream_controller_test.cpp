#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "engine/base/seal.h"
#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/controller.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Misfortune;
using kube::testing::Served;
using ::testing::HasSubstr;
using v1alpha1::Phase;
namespace kinds = kube::kinds;

// The whole operator on threads of its own, about a Replication that copies and then follows.
class StreamControllerTest : public ::testing::Test {
 protected:
  void start() {
    ControllerOptions options{.image = "tributary:test", .workers = 2};
    options.ask = bed.ask_engine();
    options.tell = [this](const std::string&, const std::string& token, bool forget, Until) -> Result<int> {
      const std::lock_guard lock(mutex);
      token_told = token;
      forgets = forget;
      return ++orders < 3 ? 202 : 200;
    };
    options.release_key = release_key;
    controller = std::make_unique<Controller>(*bed.transport, std::move(options));
    const Result<void> started = controller->start(Deadline::after(Seconds(10)), {});
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void stop() { controller.reset(); }
  bool ready_is(const std::string& reason) {
    return comes_true([&] { return bed.reason() == reason; });
  }
  bool has_deployment() const { return !bed.deployment().json().is_null(); }
  void copy() {
    start();
    ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
    bed.succeed();
    ASSERT_TRUE(comes_true([&] { return has_deployment(); }));
  }
  void follow() {
    copy();
    bed.answer(following(0));
    bed.run_stream();
    ASSERT_TRUE(ready_is("Following"));
  }
  // The release Job is there, and its pod.
  bool releases() {
    return comes_true([&] {
      const kube::Object job = bed.job();
      return !job.annotation(v1alpha1::release_annotation).empty();
    });
  }
  void change_state(const char* state) { bed.change(Json{{"spec", {{"state", state}}}}); }

  Bed bed{"SnapshotAndSync"};
  std::unique_ptr<Controller> controller;
  kube::Key release_key;
  std::mutex mutex;  // guards the next three
  std::string token_told;
  bool forgets = false;
  int orders = 0;
};

TEST_F(StreamControllerTest, a_replication_copies_and_then_follows) {
  follow();
  const v1alpha1::Status status = bed.replication().status;
  EXPECT_EQ(status.phase, Phase::syncing);
  EXPECT_TRUE(v1alpha1::is_true(status, "Ready"));
  EXPECT_TRUE(v1alpha1::is_true(status, "Synced"));
  EXPECT_EQ(status.sync->lag, "0s");
  EXPECT_EQ(bed.deployment().label(v1alpha1::uid_label), bed.replication().uid);
  EXPECT_FALSE(bed.server.find(kinds::config_maps, bed.deployment().key()).json().is_null());
}

TEST_F(StreamControllerTest, a_restarted_operator_leaves_the_stream_as_it_is) {
  follow();
  stop();
  const std::string version = bed.deployment().resource_version();
  bed.answer(following(7));
  start();
  // The new generation shows that the object had its turn.
  bed.change(Json::parse(R"({"spec":{"sync":{"maxLag":"3s"}}})"));
  ASSERT_TRUE(ready_is("LagTooHigh"));
  EXPECT_EQ(bed.replication().status.sync->lag, "7s");
  EXPECT_EQ(bed.deployment().resource_version(), version);
  EXPECT_EQ(bed.jobs(), 1U);
}

TEST_F(StreamControllerTest, an_operator_that_dies_before_it_says_so_makes_no_second_deployment) {
  start();
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  bed.succeed();
  ASSERT_TRUE(comes_true([&] { return bed.reason("SnapshotComplete") == "SnapshotComplete"; }));
  bed.server.set_fate([](const Served& served) {
    return served.method == kube::Method::patch && served.path.ends_with("/status")
               ? Misfortune{Misfortune::Kind::answer, 500, "InternalError", "no"}
               : Misfortune{};
  });
  ASSERT_TRUE(comes_true([&] { return has_deployment(); }));
  stop();
  const std::string version = bed.deployment().resource_version();
  bed.server.set_fate({});
  start();
  bed.answer(following(0));
  bed.run_stream();
  ASSERT_TRUE(ready_is("Following"));
  EXPECT_EQ(bed.deployment().resource_version(), version);
}

TEST_F(StreamControllerTest, a_lost_position_stalls_and_nothing_is_made_again) {
  follow();
  bed.crash_stream(4, report(4, "PositionLost", "slot x is gone", "", bed.replication().uid));
  ASSERT_TRUE(comes_true([&] { return bed.reason("Stalled") == "PositionLost"; }));
  EXPECT_EQ(bed.jobs(), 1U);
  bed.erase_pod();
  bed.run_stream();
  EXPECT_TRUE(ready_is("Following")) << "the right server is back";
}

TEST_F(StreamControllerTest, pausing_and_resuming_replace_the_pod) {
  follow();
  const auto holds = [&] {
    return bed.deployment().json()["spec"]["template"]["spec"]["containers"][0]["args"].dump().find("--hold") !=
           std::string::npos;
  };
  change_state("Paused");
  ASSERT_TRUE(comes_true(holds));
  ASSERT_TRUE(ready_is("Pausing"));
  bed.answer(holding());
  EXPECT_TRUE(comes_true([&] { return bed.replication().status.phase == Phase::paused; }));
  change_state("Running");
  EXPECT_TRUE(comes_true([&] { return !holds(); }));
}

TEST_F(StreamControllerTest, somebody_who_scales_the_deployment_down_is_overruled) {
  follow();
  Json idle = bed.deployment().json();
  idle["spec"]["replicas"] = 0;
  bed.server.put(kinds::deployments, idle);
  EXPECT_TRUE(comes_true([&] { return bed.deployment().json()["spec"]["replicas"] == 1; }));
}

TEST_F(StreamControllerTest, a_deployment_that_somebody_deleted_comes_back) {
  follow();
  bed.erase_deployment();
  EXPECT_TRUE(comes_true([&] { return has_deployment(); }));
}

TEST_F(StreamControllerTest, stopping_ends_the_engine_then_releases_and_going_back_takes_another_request) {
  follow();
  change_state("Stopped");
  ASSERT_TRUE(comes_true([&] { return !has_deployment(); }));
  EXPECT_EQ(bed.jobs(), 0U) << "its pod still ends";
  bed.erase_pod();
  ASSERT_TRUE(releases());
  bed.finish_release();
  ASSERT_TRUE(ready_is("Stopped"));
  change_state("Running");
  ASSERT_TRUE(ready_is("Released"));
  bed.change(Json::parse(R"({"spec":{"snapshot":{"requestID":"again"}}})"));
  ASSERT_TRUE(comes_true([&] {
    const v1alpha1::Status status = bed.replication().status;
    return status.snapshot->request_id == "again" && !status.release;
  }));
  EXPECT_FALSE(has_deployment());
}

TEST_F(StreamControllerTest, deletion_releases_before_the_object_goes) {
  follow();
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return !has_deployment(); }));
  bed.erase_pod();
  ASSERT_TRUE(releases());
  EXPECT_THAT(bed.job().json()["spec"]["template"]["spec"]["containers"][0]["args"].dump(), HasSubstr("--forget"));
  EXPECT_TRUE(bed.replication().finalized);
  bed.finish_release();
  EXPECT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
}

TEST_F(StreamControllerTest, with_a_key_the_engine_releases_and_no_job_is_made) {
  release_key = {"system", "key"};
  bed.server.put(kinds::secrets, {{"metadata", {{"name", "key"}, {"namespace", "system"}}}});
  follow();
  const std::string data = bed.server.find(kinds::config_maps, bed.deployment().key()).json()["data"].dump();
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return !has_deployment(); }));
  EXPECT_TRUE(bed.replication().finalized) << "its pod still ends";
  bed.erase_pod();
  EXPECT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(orders, 3);
  EXPECT_THAT(data, HasSubstr(sha256(token_told)));
  EXPECT_EQ(data.find(token_told), std::string::npos) << "the pod has the hash alone";
  const std::vector<std::string> writes = bed.writes();
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "POST jobs"), 1) << "the copy's";
}

TEST_F(StreamControllerTest, the_engine_releases_and_a_job_drops_what_was_copied) {
  release_key = {"system", "key"};
  bed.server.put(kinds::secrets, {{"metadata", {{"name", "key"}, {"namespace", "system"}}}});
  follow();
  bed.change(Json::parse(R"({"spec":{"deletion":{"targetData":"Delete"}}})"));
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return !has_deployment(); }));
  bed.erase_pod();
  ASSERT_TRUE(releases());
  EXPECT_THAT(bed.job().json()["spec"]["template"]["spec"]["containers"][0]["args"].dump(),
              HasSubstr("--drop-target-data"));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(orders, 3) << "the source first";
    EXPECT_FALSE(forgets) << "the ledger tells the job what to drop";
  }
  EXPECT_TRUE(bed.replication().finalized);
  bed.finish_release();
  EXPECT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
}

TEST_F(StreamControllerTest, in_a_namespace_that_ends_the_object_goes_and_the_event_is_about_the_namespace) {
  follow();
  bed.server.set_fate([](const Served& served) {
    const bool creates =
        (served.method == kube::Method::patch && served.path.find("/configmaps/") != std::string::npos) ||
        (served.method == kube::Method::post && served.path.find("/namespaces/prod/") != std::string::npos);
    return creates ? Misfortune{Misfortune::Kind::answer, 403, "Forbidden",
                                "jobs.batch \"x\" is forbidden: unable to create new content in namespace prod because "
                                "it is being terminated"}
                   : Misfortune{};
  });
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return !has_deployment(); }));
  bed.erase_pod();
  ASSERT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
  EXPECT_TRUE(comes_true([&] {
    for (const kube::Object& event : bed.server.all(kinds::events)) {
      if (event.space() != "default" || kube::text_at(event.json(), {"reason"}) != "SourceObjectsLeft") continue;
      return kube::text_at(event.json(), {"regarding", "kind"}) == "Namespace" &&
             kube::text_at(event.json(), {"note"}).find("pg_drop_replication_slot") != std::string::npos;
    }
    return false;
  }));
}

TEST_F(StreamControllerTest, a_namespace_that_takes_the_pods_first_finds_the_source_given_back) {
  release_key = {"system", "key"};
  bed.server.put(kinds::secrets, {{"metadata", {{"name", "key"}, {"namespace", "system"}}}});
  follow();
  Json space = {{"metadata", {{"name", "prod"}}}};
  bed.server.put(kinds::namespaces, space);
  space["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
  bed.server.put(kinds::namespaces, space);
  for (const kube::Object& each : bed.server.all(kinds::pods)) {
    Json pod = each.json();
    pod["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z";
    bed.server.put(kinds::pods, pod);
  }
  ASSERT_TRUE(comes_true([&] { return bed.reason("SourceReleased") == "Released"; }));
  EXPECT_TRUE(ready_is("NamespaceEnds"));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(orders, 3);
}

TEST_F(StreamControllerTest, the_second_of_two_onto_one_target_waits_until_the_first_is_gone) {
  Json other = bed.server.find(replications(), shop).json();
  other["metadata"] = {{"name", "first"}, {"namespace", shop.space}, {"creationTimestamp", "2020-01-01T00:00:00Z"}};
  other["status"] = {{"snapshot", {{"attempt", 1}, {"jobName", "first-1"}}}};
  bed.server.put(replications(), other);
  start();
  ASSERT_TRUE(comes_true([&] { return bed.reason("Stalled") == "TargetConflict"; }));
  EXPECT_FALSE(bed.replication().finalized);
}

}  // namespace
}  // namespace tributary::replication
