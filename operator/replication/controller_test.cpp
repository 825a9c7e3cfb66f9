#include "operator/replication/controller.h"

#include <gtest/gtest.h>

#include <set>

#include "operator/api/conditions.h"
#include "operator/kube/kinds.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Misfortune;
using kube::testing::Served;
using v1alpha1::Phase;
namespace kinds = kube::kinds;

// The whole operator on threads of its own.
class ControllerTest : public ::testing::Test {
 protected:
  void start(std::vector<std::string> namespaces = {}, SecretAccess secrets = {}) {
    ControllerOptions options{
        .namespaces = std::move(namespaces), .secrets = std::move(secrets), .image = "tributary:test", .workers = 2};
    options.ask = bed.ask_engine();
    controller = std::make_unique<Controller>(*bed.transport, std::move(options));
    const Result<void> started = controller->start(Deadline::after(Seconds(10)), {});
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void stop() { controller.reset(); }
  bool phase_becomes(Phase phase) {
    return comes_true([&] { return bed.replication().status.phase == phase; });
  }
  void start_copy() {
    start();
    ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
    bed.answer(copying(33));
    bed.run_pod();
    ASSERT_TRUE(phase_becomes(Phase::snapshotting));
  }

  Bed bed;
  std::unique_ptr<Controller> controller;
};

TEST_F(ControllerTest, a_replication_runs_from_its_creation_to_ready) {
  start_copy();
  EXPECT_TRUE(controller->ready());
  bed.succeed();
  ASSERT_TRUE(phase_becomes(Phase::completed));
  EXPECT_TRUE(v1alpha1::is_true(bed.replication().status, "Ready"));
}

TEST_F(ControllerTest, a_restart_in_the_middle_of_a_copy_goes_on_with_the_same_job) {
  start_copy();
  const std::string uid = bed.job().uid();
  stop();
  bed.answer(copying(66));
  start();
  ASSERT_TRUE(comes_true([&] { return bed.replication().status.progress == "66%"; }));
  bed.succeed();
  ASSERT_TRUE(phase_becomes(Phase::completed));
  EXPECT_EQ(bed.job().uid(), uid);
  EXPECT_EQ(bed.replication().status.snapshot->attempt, 1);
}

TEST_F(ControllerTest, what_ends_while_no_operator_runs_is_recorded_by_the_next) {
  start_copy();
  stop();
  bed.succeed();
  start();
  EXPECT_TRUE(phase_becomes(Phase::completed));
}

TEST_F(ControllerTest, an_operator_that_dies_between_creating_the_job_and_saying_so_makes_no_second_one) {
  bed.server.set_fate([](const Served& served) {
    return served.method == kube::Method::patch && served.path.ends_with("/status")
               ? Misfortune{Misfortune::Kind::answer, 500, "InternalError", "no"}
               : Misfortune{};
  });
  start();
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  const std::string uid = bed.job().uid();
  stop();
  bed.server.set_fate({});
  start();
  ASSERT_TRUE(comes_true([&] { return bed.replication().status.snapshot.has_value(); }));
  EXPECT_EQ(bed.jobs(), 1U);
  EXPECT_EQ(bed.job().uid(), uid);
}

TEST_F(ControllerTest, a_restart_does_not_repeat_a_finished_snapshot_whose_job_is_gone) {
  start_copy();
  bed.succeed();
  ASSERT_TRUE(phase_becomes(Phase::completed));
  bed.erase_pod();
  bed.erase_job();
  stop();
  start();
  // The new generation shows that the object had its turn.
  bed.change(Json::parse(R"({"spec":{"snapshot":{"backoffLimit":1}}})"));
  ASSERT_TRUE(comes_true([&] { return bed.replication().status.observed_generation == bed.replication().generation; }));
  EXPECT_EQ(bed.jobs(), 0U);
}

TEST_F(ControllerTest, a_secret_that_comes_late_starts_the_copy_by_itself) {
  bed.remove_secret("shop-target");
  start();
  ASSERT_TRUE(comes_true([&] { return bed.reason("CredentialsSynced") == "SecretNotFound"; }));
  EXPECT_EQ(bed.jobs(), 0U);
  bed.put_secret("shop-target");
  EXPECT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
}

TEST_F(ControllerTest, a_mended_secret_starts_a_stalled_one_again) {
  start();
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  bed.end_pod(2, report(2, "AuthenticationFailed", "secret for source: wrong password", "", bed.replication().uid));
  bed.finish_job("Failed", "PodFailurePolicy");
  ASSERT_TRUE(comes_true([&] { return bed.reason("Stalled") == "AuthenticationFailed"; }));
  bed.put_secret("shop-source");
  EXPECT_TRUE(comes_true([&] { return bed.replication().status.snapshot->attempt == 2; }));
}

std::set<std::string> secret_requests(const Bed& bed) {
  std::set<std::string> names;
  for (const Served& served : bed.server.served()) {
    if (!served.path.ends_with("/secrets")) continue;
    const std::size_t at = served.query.find("metadata.name");
    names.insert(at == std::string::npos ? "" : served.query.substr(at, served.query.find('&', at) - at));
  }
  return names;
}

TEST_F(ControllerTest, confined_to_named_secrets_it_asks_for_each_by_its_name) {
  start({}, {.names = {"shop-source", "shop-target"}});
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  EXPECT_TRUE(comes_true([&] { return bed.reason("CredentialsSynced") == "SecretsFound"; }));
  bed.end_pod(2, report(2, "AuthenticationFailed", "wrong password", "", bed.replication().uid));
  bed.finish_job("Failed", "PodFailurePolicy");
  ASSERT_TRUE(comes_true([&] { return bed.reason("Stalled") == "AuthenticationFailed"; }));
  bed.put_secret("shop-target");
  EXPECT_TRUE(comes_true([&] { return bed.replication().status.snapshot->attempt == 2; }));
  EXPECT_EQ(secret_requests(bed),
            (std::set<std::string>{"metadata.name%3Dshop-source", "metadata.name%3Dshop-target"}));
}

TEST_F(ControllerTest, without_access_to_secrets_it_asks_for_none_and_leaves_them_to_the_engine) {
  bed.remove_secret("shop-target");
  start({}, {.granted = false});
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  ASSERT_TRUE(comes_true([&] { return bed.reason("CredentialsSynced") == "NotWatched"; }));
  EXPECT_EQ(secret_requests(bed), std::set<std::string>());
}

TEST_F(ControllerTest, an_outage_of_the_api_server_is_survived) {
  start_copy();
  bed.server.fail_next(5, {Misfortune::Kind::answer, 503, "ServiceUnavailable", "not now"});
  bed.server.reset_streams();
  bed.succeed();
  EXPECT_TRUE(phase_becomes(Phase::completed));
}

TEST_F(ControllerTest, a_status_in_conflict_is_written_at_last) {
  auto left = std::make_shared<int>(3);
  bed.server.set_fate([left](const Served& served) {
    return served.method == kube::Method::patch && served.path.ends_with("/status") && (*left)-- > 0
               ? Misfortune{Misfortune::Kind::answer, 409, "Conflict", "modified"}
               : Misfortune{};
  });
  start_copy();
  EXPECT_EQ(bed.jobs(), 1U);
}

TEST_F(ControllerTest, deletion_lets_the_object_go_when_its_engine_is_gone) {
  start_copy();
  bed.hold_job();
  bed.ask_to_delete();
  ASSERT_TRUE(phase_becomes(Phase::deleting));
  EXPECT_TRUE(comes_true([&] { return bed.job().deleting(); }));
  bed.erase_pod();
  bed.erase_job();
  ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; })) << "the source gives back what the copy holds";
  bed.finish_release();
  EXPECT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
}

TEST_F(ControllerTest, only_the_named_namespaces_are_its_business) {
  start({"other", "prod"});
  EXPECT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  stop();
  Bed untouched;
  ControllerOptions options{.namespaces = {"other"}, .image = "tributary:test"};
  Controller elsewhere(*untouched.transport, options);
  ASSERT_TRUE(elsewhere.start(Deadline::after(Seconds(10)), {}).ok());
  for (const Served& served : untouched.server.served()) {
    EXPECT_NE(served.path.find("/namespaces/other/"), std::string::npos) << served.path;
  }
}

TEST_F(ControllerTest, caches_that_cannot_be_filled_end_the_start_with_a_hint) {
  bed.server.set_fate([](const Served& served) {
    return served.path.ends_with("/secrets") ? Misfortune{Misfortune::Kind::answer, 403, "Forbidden", "no"}
                                             : Misfortune{};
  });
  controller = std::make_unique<Controller>(*bed.transport, ControllerOptions{.image = "tributary:test"});
  const Result<void> started = controller->start(Deadline::after(Milliseconds(200)), {});
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().hint.find("RBAC"), std::string::npos);
  EXPECT_FALSE(controller->ready());
}

}  // namespace
}  // namespace tributary::replication
