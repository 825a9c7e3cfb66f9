#include "operator/torture/cluster.h"

#include <algorithm>

#include "engine/api/spec.h"
#include "engine/base/digest.h"
#include "engine/base/pause.h"
#include "operator/kube/kinds.h"
#include "operator/replication/testing/comparisons.h"
#include "operator/replication/testing/scene.h"

namespace tributary::torture {
namespace {

using kube::Json;
using kube::Object;
namespace kinds = kube::kinds;

constexpr Milliseconds tick{8};

bool has_ended(const Object& pod) {
  const std::string phase = kube::text_at(pod.json(), {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

bool has_condition(const Object& object, std::string_view type) {
  const Json& all = kube::array_at(object.json(), {"status", "conditions"});
  return std::any_of(all.begin(), all.end(), [&](const Json& one) {
    return kube::text_at(one, {"type"}) == type && kube::text_at(one, {"status"}) == "True";
  });
}

std::int64_t exit_code_of(const Object& pod) {
  const Json& containers = kube::array_at(pod.json(), {"status", "containerStatuses"});
  return containers.empty() ? 0 : kube::integer_at(containers[0], {"state", "terminated", "exitCode"});
}

const Json& engine_of(const Object& pod) {
  return pod.json()["spec"]["containers"][0];
}

bool has_argument(const Object& pod, std::string_view word) {
  const Json& all = engine_of(pod)["args"];
  return std::find(all.begin(), all.end(), word) != all.end();
}

Engines::Verb verb_of(const Object& pod) {
  if (has_argument(pod, "init")) return Engines::Verb::init;
  if (has_argument(pod, "sync")) return Engines::Verb::sync;
  return has_argument(pod, "release") ? Engines::Verb::release : Engines::Verb::verify;
}

std::string config_map_of(const Object& pod) {
  for (const Json& volume : kube::array_at(pod.json(), {"spec", "volumes"})) {
    const std::string name = kube::text_at(volume, {"configMap", "name"});
    if (!name.empty()) return name;
  }
  return "";
}

// What a pod's container ended with.
Json terminated(WallTime now, int code, const std::string& message, const char* reason = "Error") {
  return {{"terminated", {{"exitCode", code}, {"message", message}, {"reason", reason}, {"finishedAt", rfc3339(now)}}}};
}

std::string last_words(Engines::Verb verb, int code, const std::string& identity) {
  using replication::testing::report;
  if (code == 4) return report(4, "PositionLost", "the slot is gone", "", identity);
  switch (verb) {
    case Engines::Verb::init:
      return report(0, "SnapshotComplete", "done", "", identity);
    case Engines::Verb::release:
      return report(0, "Released", "done", "", identity);
    case Engines::Verb::verify:
      return replication::testing::found(replication::testing::equal(), identity);
    case Engines::Verb::sync:
      return "";
  }
  std::abort();
}

}  // namespace

Cluster::Cluster(kube::testing::FakeApiServer& server, Engines& engines, const Clock& clock, std::uint64_t seed)
    : server_(server), engines_(engines), clock_(clock), random_(seed) {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

Cluster::~Cluster() {
  thread_.request_stop();
  thread_.join();
}

void Cluster::trouble(std::vector<PodTrouble> next) {
  const std::lock_guard lock(mutex_);
  troubles_ = std::move(next);
  for (auto& [uid, life] : lives_) {
    if (troubles_.empty() || !life.begun || life.trouble != PodTrouble::none) continue;
    life.trouble = troubles_.back();
    life.ends = clock_.now();
    troubles_.pop_back();
  }
}

WallTime Cluster::in(int least, int most) {
  return clock_.now() + Milliseconds(std::uniform_int_distribution<int>(1000 * least, 1000 * most)(random_));
}

void Cluster::run(std::stop_token stop) {
  std::uint64_t seen = 0;
  std::vector<Object> jobs, deployments;
  while (pause_for(tick, stop)) {
    const std::lock_guard lock(mutex_);
    if (const std::uint64_t now = server_.version(); now != seen) {
      seen = now;
      jobs = server_.all(kinds::jobs);
      deployments = server_.all(kinds::deployments);
      pods_ = server_.all(kinds::pods);
    }
    for (const Object& job : jobs) tend_job(job);
    for (const Object& deployment : deployments) tend_deployment(deployment);
    for (const Object& pod : pods_) {
      if (pod.json()["spec"].contains("containers")) tend_pod(pod);
    }
  }
}

std::vector<Object> Cluster::pods_of(const Object& owner) const {
  std::vector<Object> pods = pods_;
  std::erase_if(pods, [&](const Object& pod) {
    const auto owners = pod.owners();
    return owners.empty() || owners[0].uid != owner.uid();
  });
  return pods;
}

// --- Jobs

void Cluster::tend_job(const Object& job) {
  if (job.json()["spec"].value("template", Json()).is_null()) return;  // somebody else's
  const bool over = has_condition(job, "Complete") || has_condition(job, "Failed");
  if (over && expires_jobs_ && !job.deleting() &&
      again_.try_emplace(job.uid(), in(1, 10)).first->second <= clock_.now()) {
    ++befallen_;
    return server_.erase(kinds::jobs, job.key());
  }
  if (over || job.deleting()) return;
  const std::vector<Object> pods = pods_of(job);
  if (judge_job(job, pods)) return;
  if (!std::all_of(pods.begin(), pods.end(), has_ended)) return;
  if (refuses_pods_) return complain(job);
  if (!pods.empty() && again_.try_emplace(job.uid(), in(3, 6)).first->second > clock_.now()) return;
  again_.erase(job.uid());
  create_pod(job, "Job", job.json()["spec"]["template"]);
}

// Whether it has come to an end.
bool Cluster::judge_job(const Object& job, const std::vector<Object>& pods) {
  std::size_t failed = 0;
  bool final = false;
  for (const Object& pod : pods) {
    if (kube::text_at(pod.json(), {"status", "phase"}) == "Succeeded") {
      set_condition(job, "Complete", "", failed);
      return true;
    }
    if (!has_ended(pod) || has_condition(pod, "DisruptionTarget")) continue;
    ++failed;
    final = final || (exit_code_of(pod) >= 2 && exit_code_of(pod) <= 5);
  }
  const auto limit = static_cast<std::size_t>(kube::integer_at(job.json(), {"spec", "backoffLimit"}));
  if (final || failed > limit) {
    set_condition(job, "Failed", final ? "PodFailurePolicy" : "BackoffLimitExceeded", failed);
    return true;
  }
  if (static_cast<std::size_t>(kube::integer_at(job.json(), {"status", "failed"})) == failed) return false;
  Json counted = job.json();
  counted["status"]["failed"] = failed;
  server_.put_if_unchanged(kinds::jobs, counted);
  return false;
}

void Cluster::set_condition(const Object& job, const char* type, const char* reason, std::size_t failed) {
  Json ended = job.json();
  ended["status"] = {
      {"conditions",
       Json::array(
           {{{"type", type}, {"status", "True"}, {"reason", reason}, {"lastTransitionTime", rfc3339(clock_.now())}}})}};
  if (failed > 0) ended["status"]["failed"] = failed;
  server_.put_if_unchanged(kinds::jobs, ended);
}

void Cluster::complain(const Object& job) {
  ++befallen_;
  const kube::Key key{job.space(), job.name() + ".refused"};
  if (!server_.find(kinds::core_events, key).json().is_null()) return;
  server_.put(kinds::core_events, {{"metadata", {{"name", key.name}, {"namespace", key.space}}},
                                   {"involvedObject", {{"uid", job.uid()}, {"kind", "Job"}, {"name", job.name()}}},
                                   {"reason", "FailedCreate"},
                                   {"message", "pods \"x\" is forbidden: exceeded quota: none"},
                                   {"lastTimestamp", rfc3339(clock_.now())}});
}

void Cluster::create_pod(const Object& owner, const std::string& owner_kind, const Json& pod_template) {
  Json reference = kube::controller_reference(owner);
  reference["kind"] = owner_kind;
  Json pod = pod_template;
  pod["metadata"]["name"] = owner.name() + "-p" + std::to_string(++names_);
  pod["metadata"]["namespace"] = owner.space();
  pod["metadata"]["ownerReferences"] = Json::array({reference});
  server_.put(kinds::pods, pod);
}

// --- Deployments, of one pod that is replaced by the next

void Cluster::tend_deployment(const Object& deployment) {
  if (deployment.deleting()) return;
  const Json& wanted = deployment.json()["spec"]["template"];
  const std::string revision = digest(wanted.dump());
  const bool runs = kube::integer_at(deployment.json(), {"spec", "replicas"}) > 0;
  bool there = false, updated = false, ready = false;
  for (const Object& pod : pods_of(deployment)) {
    const bool fits = runs && pod.annotation("revision") == revision;
    if (!fits && has_ended(pod)) server_.erase(kinds::pods, pod.key());
    if (!fits && !has_ended(pod) && !pod.deleting()) {
      Json ending = pod.json();
      ending["metadata"]["deletionTimestamp"] = rfc3339(clock_.now());
      server_.put(kinds::pods, ending);
    }
    there = there || !has_ended(pod);
    updated = updated || fits;
    ready = ready || (fits && kube::text_at(pod.json(), {"status", "phase"}) == "Running");
  }
  Json status = {{"observedGeneration", deployment.generation()},
                 {"updatedReplicas", updated ? 1 : 0},
                 {"readyReplicas", ready ? 1 : 0}};
  if (runs && !there && refuses_pods_) {
    ++befallen_;
    status["conditions"] = Json::array({{{"type", "ReplicaFailure"},
                                         {"status", "True"},
                                         {"message", "pods \"x\" is forbidden: exceeded quota: none"}}});
  } else if (runs && !there) {
    Json marked = wanted;
    marked["metadata"]["annotations"]["revision"] = revision;
    create_pod(deployment, "ReplicaSet", marked);
  }
  if (deployment.json().value("status", Json()) == status) return;
  Json told = deployment.json();
  told["status"] = status;
  server_.put_if_unchanged(kinds::deployments, told);
}

// --- pods

void Cluster::set_state(const Object& pod, const char* phase, const Json& state, const Json& more) {
  Json next = pod.json();
  Json container = {{"name", "engine"}, {"state", state}};
  const Json& before = kube::array_at(pod.json(), {"status", "containerStatuses"});
  if (!before.empty() && before[0].contains("lastState")) container["lastState"] = before[0]["lastState"];
  const Life& life = lives_[pod.uid()];
  next["status"] = {{"phase", phase}, {"podIP", life.ip}, {"containerStatuses", Json::array({container})}};
  if (more.is_object()) next["status"].update(more);
  server_.put(kinds::pods, next);
}

void Cluster::tend_pod(const Object& pod) {
  if (has_ended(pod)) {
    if (pod.deleting()) server_.erase(kinds::pods, pod.key());
    return;
  }
  const auto [entry, fresh] = lives_.try_emplace(pod.uid());
  Life& life = entry->second;
  if (fresh) {
    life.starts = in(1, 3);
    life.ip = "10.0." + std::to_string(lives_.size() / 250) + "." + std::to_string(1 + lives_.size() % 250);
    if (!troubles_.empty()) {
      life.trouble = troubles_.back();
      troubles_.pop_back();
    }
    set_state(pod, "Pending", {{"waiting", {{"reason", "ContainerCreating"}}}});
  } else if (pod.deleting()) {
    leave(pod, life);
  } else if (!life.begun) {
    if (life.starts <= clock_.now()) start_pod(pod, life);
  } else if (life.ends <= clock_.now()) {
    end_pod(pod, life);
  }
}

// It is given a moment to end.
void Cluster::leave(const Object& pod, Life& life) {
  if (!life.leaves) life.leaves = in(1, 3);
  if (*life.leaves > clock_.now()) return;
  engines_.end(life.ip);
  server_.erase(kinds::pods, pod.key());
}

void Cluster::start_pod(const Object& pod, Life& life) {
  if (life.trouble == PodTrouble::no_image || life.trouble == PodTrouble::no_node) {
    ++befallen_;
    const bool image = life.trouble == PodTrouble::no_image;
    life.trouble = PodTrouble::none;
    life.starts = in(10, 20);
    const Json scheduled = {{"type", "PodScheduled"},
                            {"status", image ? "True" : "False"},
                            {"reason", image ? "" : "Unschedulable"},
                            {"message", image ? "" : "0/1 nodes are available"}};
    return set_state(pod, "Pending",
                     {{"waiting", {{"reason", image ? "ImagePullBackOff" : ""}, {"message", image ? "no such" : ""}}}},
                     {{"conditions", Json::array({scheduled})}});
  }
  const Object config = server_.find(kinds::config_maps, {pod.space(), config_map_of(pod)});
  const auto spec = api::spec_from_json(kube::text_at(config.json(), {"data", "spec.json"}));
  if (!spec.ok()) return;  // the mount is tried again
  Engines::Engine engine{.identity = spec->replication};
  engine.verb = verb_of(pod);
  engine.holds_only = has_argument(pod, "--hold");
  engine.keeps_slot = spec->mode == api::Mode::snapshot_and_sync;
  engines_.begin(life.ip, engine);
  life.begun = true;
  const bool lasts = engine.verb == Engines::Verb::sync && engines_.holds(engine.identity);
  life.ends = lasts && life.trouble == PodTrouble::none ? WallTime::max() : in(2, 5);
  set_state(pod, "Running", {{"running", {{"startedAt", rfc3339(clock_.now())}}}});
}

bool Cluster::befalls(const Object& pod, Life& life) {
  const WallTime now = clock_.now();
  const std::string identity = pod.label("tributary.dev/uid");
  Json end;
  switch (std::exchange(life.trouble, PodTrouble::none)) {
    case PodTrouble::none:
    case PodTrouble::no_image:
    case PodTrouble::no_node:
      return false;
    case PodTrouble::evicted:
      ++befallen_;
      engines_.end(life.ip);
      set_state(pod, "Failed", terminated(now, 137, ""),
                {{"reason", "Evicted"},
                 {"message", "the node was low on memory"},
                 {"conditions", Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}}})}});
      return true;
    case PodTrouble::out_of_memory:
      end = terminated(now, 137, "", "OOMKilled");
      break;
    case PodTrouble::crash:
      end = terminated(now, 139, "");
      break;
    case PodTrouble::outage:
      end = terminated(now, 1, replication::testing::report(1, "SourceUnreachable", "no answer", "", identity));
      break;
  }
  ++befallen_;
  engines_.end(life.ip);
  if (!restarts(pod, life, end)) set_state(pod, "Failed", end);
  return true;
}

// As its pod's policy says.
bool Cluster::restarts(const Object& pod, Life& life, const Json& end) {
  if (kube::text_at(pod.json(), {"spec", "restartPolicy"}) != "Always") return false;
  life.begun = false;
  life.starts = in(5, 10);
  Json next = pod.json();
  next["status"]["containerStatuses"][0]["lastState"] = end;
  set_state(Object(next), "Running", {{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 10s"}}}});
  return true;
}

void Cluster::end_pod(const Object& pod, Life& life) {
  if (befalls(pod, life)) return;
  const Engines::Verb verb = verb_of(pod);
  const std::string identity = pod.label("tributary.dev/uid");
  const int code = engines_.finish(life.ip);
  const Json end = terminated(clock_.now(), code, last_words(verb, code, identity), code == 0 ? "Completed" : "Error");
  if (!restarts(pod, life, end)) set_state(pod, code == 0 ? "Succeeded" : "Failed", end);
}

}  // namespace tributary::torture
