#include "operator/replication/kept.h"

#include <gtest/gtest.h>

#include <functional>

#include "operator/kube/packed.h"
#include "operator/replication/observed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using kube::Json;
using kube::Object;
using testing::uid;

Json metadata(const std::string& name) {
  return {{"name", name},
          {"namespace", "prod"},
          {"uid", "99999999-2222-3333-4444-555555555555"},
          {"resourceVersion", "4711"},
          {"generation", 3},
          {"creationTimestamp", "2026-01-01T00:00:00Z"},
          {"deletionTimestamp", "2026-01-02T00:00:00Z"},
          {"finalizers", {"tributary.dev/cleanup", "foregroundDeletion"}},
          {"labels",
           {{"app.kubernetes.io/name", "tributary"},
            {"batch.kubernetes.io/controller-uid", uid},
            {"tributary.dev/replication", "shop"},
            {"tributary.dev/stream", "true"},
            {"tributary.dev/verify", "true"},
            {"tributary.dev/uid", uid}}},
          {"annotations",
           {{"cni.example/addresses", std::string(4'000, 'x')},
            {"tributary.dev/attempt", "2"},
            {"tributary.dev/outages", "3"},
            {"tributary.dev/crashes", "4"},
            {"tributary.dev/inputs-hash", "0123456789abcdef"},
            {"tributary.dev/rendered-hash", "fedcba9876543210"},
            {"tributary.dev/request-id", "again"},
            {"tributary.dev/generation", "3"},
            {"tributary.dev/drops-target-data", "true"},
            {"tributary.dev/copy", "shop-11111111-1"},
            {"tributary.dev/verify", "Request"},
            {"tributary.dev/image", "tributary:1"},
            {"tributary.dev/recopy", "once"},
            {"tributary.dev/credentials", "shop-source=u1/41,shop-target=u2/42"}}},
          {"ownerReferences",
           {{{"apiVersion", "batch/v1"},
             {"kind", "Job"},
             {"name", "shop-11111111-1"},
             {"uid", uid},
             {"controller", true}}}}};
}

Json condition(const std::string& type, const std::string& status) {
  return {{"type", type},     {"status", status},       {"reason", "Because"},
          {"message", "why"}, {"lastProbeTime", "now"}, {"lastTransitionTime", "2026-01-01T01:00:00Z"}};
}

Json conditions(std::initializer_list<const char*> types, const std::string& status) {
  Json list = Json::array();
  for (const char* type : types) list.push_back(condition(type, status));
  return list;
}

Object job() {
  return Object({{"apiVersion", "batch/v1"},
                 {"kind", "Job"},
                 {"metadata", metadata("shop-11111111-2")},
                 {"spec", {{"template", std::string(2'000, 'x')}}},
                 {"status",
                  {{"failed", 2},
                   {"active", 1},
                   {"uncountedTerminatedPods", Json::object()},
                   {"conditions", conditions({"SuccessCriteriaMet", "Suspended", "Complete", "Failed"}, "True")}}}});
}

Object deployment() {
  return Object({{"metadata", metadata("shop-11111111")},
                 {"spec", {{"replicas", 1}, {"template", std::string(2'000, 'x')}}},
                 {"status",
                  {{"observedGeneration", 3},
                   {"updatedReplicas", 1},
                   {"readyReplicas", 1},
                   {"availableReplicas", 1},
                   {"conditions", conditions({"Available", "Progressing", "ReplicaFailure"}, "True")}}}});
}

Object pod(const Json& state, const std::string& scheduled) {
  const Json other = {{"name", "istio-proxy"}, {"state", {{"running", {{"startedAt", "2026-01-01T00:00:01Z"}}}}}};
  const Json engine = {{"name", "engine"},
                       {"image", "tributary:1"},
                       {"imageID", std::string(200, 'x')},
                       {"state", state},
                       {"lastState", {{"terminated", {{"exitCode", 3}, {"message", "before"}, {"reason", "Error"}}}}}};
  Json told = conditions({"Initialized", "Ready", "PodScheduled", "DisruptionTarget"}, scheduled);
  told[2]["reason"] = "Unschedulable";
  return Object({{"metadata", metadata("shop-11111111-2-abcde")},
                 {"spec", {{"containers", std::string(4'000, 'x')}}},
                 {"status",
                  {{"phase", "Failed"},
                   {"reason", "Evicted"},
                   {"message", "out of disk"},
                   {"podIP", "10.0.0.7"},
                   {"podIPs", {{{"ip", "10.0.0.7"}}}},
                   {"conditions", told},
                   {"containerStatuses", {other, engine}}}}});
}

std::vector<Object> pods() {
  const Json ended = {
      {"exitCode", 2}, {"message", "report"}, {"reason", "Error"}, {"finishedAt", "2026-01-01T02:00:00Z"}};
  return {pod({{"terminated", ended}}, "False"), pod({{"running", {{"startedAt", "2026-01-01T00:00:01Z"}}}}, "True"),
          pod({{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "no"}}}}, "False")};
}

Object replication() {
  Json object = {{"apiVersion", "tributary.dev/v1alpha1"}, {"kind", "Replication"}, {"metadata", metadata("shop")}};
  object["spec"] = {{"mode", "Snapshot"}, {"source", {{"secretRef", {{"name", "shop-source"}}}}}};
  object["status"] = {{"observedGeneration", 3}, {"phase", "Pending"}, {"conditions", conditions({"Ready"}, "False")}};
  return Object(object);
}

Object kept(Object object, const std::function<void(Object&)>& keep) {
  keep(object);
  return object;
}

TEST(Kept, of_a_job_all_is_there_that_is_read_of_it) {
  const Object less = kept(job(), keep_job);
  EXPECT_EQ(job_from(less), job_from(job()));
  EXPECT_EQ(less.key(), job().key());
  EXPECT_EQ(less.resource_version(), "4711");
  EXPECT_EQ(less.label("tributary.dev/replication"), "shop");
  ASSERT_EQ(less.owners().size(), 1U);
  EXPECT_EQ(less.owners()[0].uid, uid);
}

TEST(Kept, of_a_deployment_all_is_there_that_is_read_of_it) {
  const Object less = kept(deployment(), keep_deployment);
  EXPECT_EQ(deployment_from(less), deployment_from(deployment()));
  EXPECT_FALSE(deployment_from(less).rolling);
  EXPECT_EQ(less.owners()[0].uid, uid);
}

TEST(Kept, of_a_pod_all_is_there_that_is_read_of_it) {
  for (const Object& whole : pods()) {
    const Object less = kept(whole, keep_pod);
    EXPECT_EQ(pod_from(less), pod_from(whole)) << whole.json();
    EXPECT_EQ(less.label("tributary.dev/uid"), uid);
  }
}

TEST(Kept, of_a_replication_only_what_people_and_others_attach_to_it_is_gone) {
  Json whole = replication().json();
  for (const char* name : {"labels", "annotations", "ownerReferences"}) whole["metadata"].erase(name);
  EXPECT_EQ(kept(replication(), keep_replication).json(), whole);
}

TEST(Kept, of_a_secret_nothing_but_who_it_is) {
  const Object secret({{"metadata", metadata("shop-source")}, {"data", {{"password", "c2VjcmV0"}}}});
  EXPECT_EQ(kept(secret, keep_identity).json(), Json({{"metadata",
                                                       {{"name", "shop-source"},
                                                        {"namespace", "prod"},
                                                        {"uid", "99999999-2222-3333-4444-555555555555"},
                                                        {"resourceVersion", "4711"}}}}));
}

TEST(Kept, odd_shapes_are_survived) {
  for (const char* text : {"null", "[]", "{}", R"({"metadata":7,"spec":[],"status":"x"})",
                           R"({"metadata":{"labels":[],"annotations":"x","ownerReferences":[1,{"uid":2}]},
                               "status":{"conditions":[1,{"type":3}],"containerStatuses":{"name":"engine"}}})"}) {
    for (const auto& keep : {keep_replication, keep_job, keep_deployment, keep_pod, keep_identity}) {
      const Object less = kept(Object(Json::parse(text)), keep);
      EXPECT_EQ(less.key(), kube::Key{}) << text;
    }
  }
}

// In bytes, with what people write about themselves left out, and names and words as long as usual.
TEST(Kept, takes_little_room) {
  EXPECT_LE(kube::Packed(kept(job(), keep_job)).size(), 1'100U);
  EXPECT_LE(kube::Packed(kept(deployment(), keep_deployment)).size(), 1'100U);
  EXPECT_LE(kube::Packed(kept(pods()[0], keep_pod)).size(), 1'500U);
}

}  // namespace
}  // namespace tributary::replication
