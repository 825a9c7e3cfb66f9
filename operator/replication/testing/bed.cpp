#include "operator/replication/testing/bed.h"

#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/kube/testing/condition.h"
#include "operator/replication/scope.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication::testing {
namespace {

using kube::Json;
namespace kinds = kube::kinds;

Json named(const std::string& name) {
  return {{"metadata", {{"name", name}, {"namespace", shop.space}}}};
}

}  // namespace

Bed::Bed(const std::string& mode) : transport(kube::open_rest_transport(server.config())), client(*transport, {}, {}) {
  server.serve(replications());
  put_secret("shop-source");
  put_secret("shop-target");
  Json object = named(shop.name);
  object["spec"] = {{"mode", mode},
                    {"state", "Running"},
                    {"source", {{"type", "PostgreSQL"}, {"secretRef", {{"name", "shop-source"}}}}},
                    {"target", {{"secretRef", {{"name", "shop-target"}}}}},
                    {"verify", {{"afterSnapshot", false}}}};
  server.put(replications(), object);
}

v1alpha1::Replication Bed::replication() const {
  return v1alpha1::replication_from_json(server.find(replications(), shop).json());
}

std::string Bed::reason(const char* condition) const {
  const v1alpha1::Status status = replication().status;
  const v1alpha1::Condition* found = v1alpha1::find_condition(status, condition);
  return found == nullptr ? "" : found->reason;
}

void Bed::change(const Json& merge_patch) const {
  client.merge_patch(replications(), shop, merge_patch).value();
}

void Bed::ask_to_delete() const {
  client.remove(replications(), shop).value();
}

void Bed::put_secret(const std::string& name) {
  Json secret = named(name);
  secret["data"] = {{"password", "c2VjcmV0"}};
  server.put(kinds::secrets, secret);
}

void Bed::remove_secret(const std::string& name) {
  server.erase(kinds::secrets, {shop.space, name});
}

kube::Object Bed::job() const {
  const std::vector<kube::Object> all = server.all(kinds::jobs);
  return all.size() == 1 ? all[0] : kube::Object();
}

std::size_t Bed::jobs() const {
  return server.all(kinds::jobs).size();
}

Json Bed::pod_of_job(const Json& engine_state, const std::string& phase) const {
  const kube::Object owner = job();
  Json pod = named(owner.name() + "-abcde");
  pod["metadata"]["labels"] = owner.json()["metadata"]["labels"];
  pod["metadata"]["ownerReferences"] = Json::array({kube::controller_reference(owner)});
  pod["status"] = {{"phase", phase},
                   {"podIP", "10.0.0.7"},
                   {"containerStatuses", Json::array({{{"name", "engine"}, {"state", engine_state}}})}};
  return pod;
}

void Bed::hold_pod() {
  server.put(kinds::pods, pod_of_job({{"waiting", {{"reason", "ContainerCreating"}}}}, "Pending"));
}

void Bed::run_pod() {
  server.put(kinds::pods, pod_of_job({{"running", {{"startedAt", rfc3339(noon)}}}}, "Running"));
}

void Bed::end_pod(int exit_code, const std::string& message) {
  const Json ended = {{"exitCode", exit_code}, {"message", message}, {"finishedAt", rfc3339(noon)}};
  server.put(kinds::pods, pod_of_job({{"terminated", ended}}, exit_code == 0 ? "Succeeded" : "Failed"));
}

void Bed::finish_job(const std::string& condition, const std::string& reason) {
  Json finished = job().json();
  finished["status"] = {
      {"conditions",
       Json::array(
           {{{"type", condition}, {"status", "True"}, {"reason", reason}, {"lastTransitionTime", rfc3339(noon)}}})}};
  server.put(kinds::jobs, finished);
}

void Bed::hold_job() {
  Json held = job().json();
  held["metadata"]["finalizers"] = {"foregroundDeletion"};
  server.put(kinds::jobs, held);
}

void Bed::erase_pod() {
  for (const kube::Object& pod : server.all(kinds::pods)) server.erase(kinds::pods, pod.key());
}

void Bed::erase_job() {
  for (const kube::Object& job : server.all(kinds::jobs)) server.erase(kinds::jobs, job.key());
}

kube::Object Bed::deployment() const {
  const std::vector<kube::Object> all = server.all(kinds::deployments);
  return all.size() == 1 ? all[0] : kube::Object();
}

void Bed::put_stream_pod(const Json& container) {
  const kube::Object owner = deployment();
  Json pod = named(owner.name() + "-7d4f5c-abcde");
  pod["metadata"]["labels"] = owner.json()["spec"]["template"]["metadata"]["labels"];
  pod["status"] = {{"phase", "Running"}, {"podIP", "10.0.0.8"}, {"containerStatuses", Json::array({container})}};
  server.put(kinds::pods, pod);
}

void Bed::run_stream() {
  put_stream_pod({{"name", "engine"}, {"state", {{"running", {{"startedAt", rfc3339(noon)}}}}}});
}

void Bed::crash_stream(int exit_code, const std::string& message) {
  const Json end = {{"exitCode", exit_code}, {"message", message}, {"finishedAt", rfc3339(noon)}};
  put_stream_pod({{"name", "engine"},
                  {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 10s"}}}}},
                  {"lastState", {{"terminated", end}}}});
}

void Bed::erase_deployment() {
  for (const kube::Object& each : server.all(kinds::deployments)) server.erase(kinds::deployments, each.key());
  erase_pod();
}

void Bed::finish_release() {
  end_pod(0, report(0, "Released", "done", "", replication().uid));
  finish_job("Complete");
}

void Bed::succeed() {
  end_pod(0, report(0, "SnapshotComplete", "done", "", replication().uid));
  finish_job("Complete");
}

void Bed::answer(std::optional<api::Progress> progress) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(progress);
  if (answer_) answer_->replication = replication().uid;
}

AskEngine Bed::ask_engine() {
  return [this](const std::string&, std::stop_token) -> Result<api::Progress> {
    const std::lock_guard lock(mutex_);
    ++asked_;
    if (!answer_) return Error{Fault::transient, "no answer"};
    return *answer_;
  };
}

int Bed::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<std::string> Bed::writes() const {
  std::vector<std::string> writes;
  for (const kube::testing::Served& served : server.served()) {
    if (served.method == kube::Method::get || served.path.ends_with("/events")) continue;
    const auto has = [&](const char* part) { return served.path.find(part) != std::string::npos; };
    const char* what = has("/configmaps")    ? "configmaps"
                       : has("/jobs")        ? "jobs"
                       : has("/deployments") ? "deployments"
                       : has("/status")      ? "replications/status"
                                             : "replications";
    writes.push_back(std::string(name_of(served.method)) + " " + what);
  }
  return writes;
}

bool comes_true(const std::function<bool()>& condition) {
  return kube::testing::comes_true(condition, Seconds(10));
}

}  // namespace tributary::replication::testing
