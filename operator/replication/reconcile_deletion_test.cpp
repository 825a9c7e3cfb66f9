#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/replication/testing/single_pass.h"

// Passes over an object that is being deleted.
namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Misfortune;
using kube::testing::Served;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using v1alpha1::Phase;
namespace kinds = kube::kinds;

using ReconcileDeletion = SinglePass;

TEST_F(ReconcileDeletion, deletion_in_the_middle_of_a_copy_lets_the_object_go_last) {
  copy();
  bed.hold_job();
  bed.ask_to_delete();
  bed.server.forget_served();
  pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("DELETE configmaps", "DELETE jobs", "PATCH replications/status"));
  EXPECT_EQ(bed.replication().status.phase, Phase::deleting);
  bed.server.forget_served();
  pass().value();
  EXPECT_TRUE(bed.replication().finalized) << "its pod still ends";
  bed.erase_pod();
  pass().value();
  EXPECT_TRUE(bed.replication().finalized) << "its job still ends";
  bed.erase_job();
  bed.server.forget_served();
  pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("PATCH configmaps", "POST jobs", "PATCH replications/status"))
      << "the source gives back what the copy holds";
  bed.finish_release();
  pass().value();
  EXPECT_EQ(bed.replication().uid, "") << "gone";
}

// What a Role in the namespace gave is gone; the ClusterRole of the chart is left.
Misfortune without_role(const Served& served) {
  const std::size_t at = served.path.find("/namespaces/prod/");
  if (at == std::string::npos || served.path.find("/replications/shop", at) != std::string::npos) return {};
  return {Misfortune::Kind::answer, 403, "Forbidden", "no"};
}

TEST_F(ReconcileDeletion, a_namespace_that_loses_its_role_first_does_not_keep_the_object) {
  copy();
  fill_caches();
  Json space = {{"metadata", {{"name", "prod"}}}};
  bed.server.put(kinds::namespaces, space);
  bed.server.set_fate(without_role);
  bed.ask_to_delete();
  ASSERT_TRUE(comes_true([&] { return scopes[0]->objects().find(shop)->deleting(); }));
  EXPECT_FALSE(blind_pass().ok()) << "a right that is missing is no reason to leave anything behind";
  EXPECT_TRUE(bed.replication().finalized);
  space["metadata"]["deletionTimestamp"] = rfc3339(now);
  bed.server.put(kinds::namespaces, space);
  blind_pass().value();
  EXPECT_EQ(bed.replication().uid, "") << "gone";
  EXPECT_EQ(reconciler.orphaned()["prod"], 1U);
  EXPECT_TRUE(comes_true([&] {
    const std::vector<kube::Object> told = bed.server.all(kinds::events);
    return std::any_of(told.begin(), told.end(), [](const kube::Object& event) { return event.space() == "default"; });
  }));
}

TEST_F(ReconcileDeletion, the_engines_pods_are_gone_before_their_job) {
  copy();
  bed.ask_to_delete();
  bed.server.forget_served();
  pass().value();
  for (const Served& served : bed.server.served()) {
    if (served.method != kube::Method::remove || !served.path.ends_with(bed.replication().status.snapshot->job_name)) {
      continue;
    }
    if (served.path.find("/jobs/") == std::string::npos) continue;
    EXPECT_THAT(served.body, HasSubstr("Foreground"));
    EXPECT_THAT(served.body, HasSubstr("\"uid\""));
  }
}

TEST_F(ReconcileDeletion, deleting_a_completed_one_ends_at_once) {
  complete();
  bed.ask_to_delete();
  pass().value();
  EXPECT_EQ(bed.replication().uid, "");
}

TEST_F(ReconcileDeletion, deleting_a_completed_one_with_its_data_waits_for_the_job_that_drops_it) {
  complete();
  bed.erase_job();
  bed.erase_pod();
  bed.change(kube::Json::parse(R"({"spec":{"deletion":{"targetData":"Delete"}}})"));
  bed.ask_to_delete();
  bed.server.forget_served();
  pass().value();
  EXPECT_THAT(bed.writes(), ElementsAre("PATCH configmaps", "POST jobs", "PATCH replications/status"));
  EXPECT_TRUE(bed.replication().finalized);
  EXPECT_THAT(bed.job().json()["spec"]["template"]["spec"]["containers"][0]["args"].dump(),
              HasSubstr("\"--drop-target-data\",\"--yes\""));
  bed.finish_release();
  pass().value();
  EXPECT_EQ(bed.replication().uid, "") << "gone";
}

}  // namespace
}  // namespace tributary::replication
