#include "operator/replication/observed.h"

#include <gtest/gtest.h>

#include "operator/api/names.h"
#include "operator/replication/credentials.h"
#include "operator/replication/status.h"

namespace tributary::replication {
namespace {

using kube::Json;
using kube::Object;

Json pod_json(const Json& status) {
  return {{"metadata",
           {{"name", "shop-1-abcde"},
            {"uid", "p-1"},
            {"creationTimestamp", "2023-11-14T22:13:20Z"},
            {"ownerReferences",
             Json::array({{{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", "shop-1"}, {"uid", "j-1"}}})}}},
          {"status", status}};
}

Json with_container(const Json& state) {
  return pod_json(
      {{"phase", "Running"},
       {"podIP", "10.1.2.3"},
       {"containerStatuses", Json::array({{{"name", "istio-proxy"}, {"state", {{"running", Json::object()}}}},
                                          {{"name", "engine"}, {"state", state}}})}});
}

TEST(PodFrom, reads_the_container_engine_and_no_sidecar) {
  const Pod pod = pod_from(Object(with_container({{"running", {{"startedAt", "2023-11-14T22:13:20Z"}}}})));
  EXPECT_EQ(pod.job_uid, "j-1");
  EXPECT_EQ(pod.ip, "10.1.2.3");
  EXPECT_EQ(pod.engine.state, ContainerState::running);
  EXPECT_EQ(pod.engine.since, WallTime(Seconds(1'700'000'000)));
  EXPECT_FALSE(pod.finished);
}

TEST(PodFrom, reads_why_a_container_waits) {
  const Pod pod = pod_from(Object(with_container({{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "m"}}}})));
  EXPECT_EQ(pod.engine.state, ContainerState::waiting);
  EXPECT_EQ(pod.engine.reason, "ImagePullBackOff");
  EXPECT_EQ(pod.engine.message, "m");
}

TEST(PodFrom, reads_how_a_container_ended) {
  const Pod pod = pod_from(Object(with_container(
      {{"terminated",
        {{"exitCode", 137}, {"reason", "OOMKilled"}, {"message", "{}"}, {"finishedAt", "2023-11-14T22:13:20Z"}}}})));
  EXPECT_EQ(pod.engine.state, ContainerState::terminated);
  EXPECT_EQ(pod.engine.exit_code, 137);
  EXPECT_EQ(pod.engine.reason, "OOMKilled");
  EXPECT_FALSE(pod.finished) << "a sidecar runs";
}

TEST(PodFrom, reads_scheduling_and_eviction) {
  const Pod pending = pod_from(Object(pod_json({{"phase", "Pending"},
                                                {"conditions", Json::array({{{"type", "PodScheduled"},
                                                                             {"status", "False"},
                                                                             {"reason", "Unschedulable"},
                                                                             {"message", "0/1 nodes"}}})}})));
  EXPECT_EQ(pending.unschedulable, "0/1 nodes");
  EXPECT_EQ(pending.engine.state, ContainerState::absent);
  const Pod evicted =
      pod_from(Object(pod_json({{"phase", "Failed"}, {"reason", "Evicted"}, {"message", "low on memory"}})));
  EXPECT_EQ(evicted.eviction, "low on memory");
  EXPECT_TRUE(evicted.finished);
  const Pod disrupted = pod_from(Object(pod_json(
      {{"phase", "Failed"},
       {"conditions", Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}, {"message", "preempted"}}})}})));
  EXPECT_EQ(disrupted.eviction, "preempted");
}

TEST(PodFrom, remembers_how_the_engine_ended_before_it_was_started_again) {
  const Json end = {{"exitCode", 4}, {"message", "gone"}, {"finishedAt", "2023-11-14T22:13:20Z"}};
  Json json = pod_json({{"phase", "Running"},
                        {"containerStatuses", Json::array({{{"name", "sidecar"}, {"lastState", {{"terminated", 1}}}},
                                                           {{"name", "engine"},
                                                            {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
                                                            {"lastState", {{"terminated", end}}}}})}});
  json["metadata"]["labels"][v1alpha1::stream_label] = "true";
  const Pod pod = pod_from(Object(json));
  EXPECT_TRUE(pod.streams);
  EXPECT_EQ(pod.engine.state, ContainerState::waiting);
  ASSERT_TRUE(pod.last_end);
  EXPECT_EQ(pod.last_end->exit_code, 4);
  EXPECT_EQ(pod.last_end->message, "gone");
}

TEST(DeploymentFrom, rolls_until_the_pod_that_was_asked_for_is_ready) {
  const auto deployment = [](int observed, int updated, int ready) {
    return deployment_from(
        Object({{"metadata", {{"name", "shop-sync"}, {"uid", "d-1"}, {"generation", 3}}},
                {"spec", {{"replicas", 1}}},
                {"status",
                 {{"observedGeneration", observed},
                  {"updatedReplicas", updated},
                  {"readyReplicas", ready},
                  {"conditions",
                   Json::array({{{"type", "ReplicaFailure"}, {"status", "True"}, {"message", "exceeded quota"}}})}}}}));
  };
  EXPECT_FALSE(deployment(3, 1, 1).rolling);
  EXPECT_TRUE(deployment(2, 1, 1).rolling);
  EXPECT_TRUE(deployment(3, 0, 1).rolling);
  EXPECT_TRUE(deployment(3, 1, 0).rolling);
  EXPECT_EQ(deployment(3, 1, 1).refusal, "exceeded quota");
  EXPECT_EQ(deployment(3, 1, 1).replicas, 1);
}

TEST(JobFrom, reads_its_end_from_its_conditions) {
  const auto job_with = [](const char* type, const char* status) {
    return job_from(Object({{"metadata", {{"name", "shop-1"}, {"uid", "j-1"}}},
                            {"status",
                             {{"failed", 3},
                              {"conditions", Json::array({{{"type", type},
                                                           {"status", status},
                                                           {"reason", "BackoffLimitExceeded"},
                                                           {"message", "m"},
                                                           {"lastTransitionTime", "2023-11-14T22:13:20Z"}}})}}}}));
  };
  EXPECT_EQ(job_with("Complete", "True").state, JobState::complete);
  EXPECT_EQ(job_with("Complete", "False").state, JobState::active);
  EXPECT_EQ(job_with("FailureTarget", "True").state, JobState::active);
  const Job failed = job_with("Failed", "True");
  EXPECT_EQ(failed.state, JobState::failed);
  EXPECT_EQ(failed.fail_reason, "BackoffLimitExceeded");
  EXPECT_EQ(failed.failed_pods, 3);
}

TEST(Seen, anything_at_all_is_read_without_harm) {
  for (const Json& odd :
       {Json(), Json(7), Json::array(), Json{{"metadata", "x"}, {"status", {1, 2}}},
        Json{{"status",
              {{"conditions", {1, nullptr, "x"}}, {"containerStatuses", {{{"name", 7}}}}, {"failed", "x"}}}}}) {
    EXPECT_EQ(job_from(Object(odd)).state, JobState::active);
    EXPECT_EQ(pod_from(Object(odd)).engine.state, ContainerState::absent);
    EXPECT_FALSE(deployment_from(Object(odd)).deleting);
  }
}

TEST(Credentials, survive_their_annotation) {
  const std::vector<v1alpha1::CredentialVersion> both = {{"a", "u-1", "10"}, {"b", "u-2", "11"}};
  EXPECT_EQ(credentials_from_text(to_text(both)), both);
  EXPECT_TRUE(credentials_from_text("").empty());
  EXPECT_TRUE(credentials_from_text("a b/c").empty());
}

TEST(Rounded, keeps_two_digits) {
  EXPECT_EQ(rounded(0), 0U);
  EXPECT_EQ(rounded(99), 99U);
  EXPECT_EQ(rounded(199), 190U);
  EXPECT_EQ(rounded(1'234'567), 1'200'000U);
  EXPECT_EQ(rounded(18'446'744'073'709'551'615U), 18'000'000'000'000'000'000U);
}

TEST(News, is_a_changed_reason_of_ready) {
  v1alpha1::Status before;
  v1alpha1::conclude(before, {v1alpha1::Standing::progressing, v1alpha1::Phase::snapshotting, "Copying", "1%"}, {});
  v1alpha1::Status after = before;
  v1alpha1::conclude(after, {v1alpha1::Standing::progressing, v1alpha1::Phase::snapshotting, "Copying", "2%"}, {});
  EXPECT_TRUE(news(before, after).empty());
  v1alpha1::conclude(after, {v1alpha1::Standing::stalled, v1alpha1::Phase::failed, "TargetFull", "no room"}, {});
  ASSERT_EQ(news(before, after).size(), 1U);
  EXPECT_EQ(news(before, after)[0].reason, "TargetFull");
  EXPECT_EQ(news(before, after)[0].kind, kube::EventKind::warning);
}

}  // namespace
}  // namespace tributary::replication
