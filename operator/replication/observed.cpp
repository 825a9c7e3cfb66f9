#include "operator/replication/observed.h"

#include <charconv>

#include "operator/api/names.h"
#include "operator/replication/credentials.h"

namespace tributary::replication {
namespace {

using kube::array_at;
using kube::at;
using kube::flag_at;
using kube::integer_at;
using kube::Json;
using kube::text_at;

constexpr std::string_view engine = "engine";

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

const Json& condition(const Json& object, std::string_view type) {
  static const Json none;
  for (const Json& candidate : array_at(object, {"status", "conditions"})) {
    if (text_at(candidate, {"type"}) == type) return candidate;
  }
  return none;
}

bool holds(const Json& condition) {
  return text_at(condition, {"status"}) == "True";
}

Container container_from(const Json& state) {
  if (const Json& waiting = at(state, {"waiting"}); waiting.is_object()) {
    return {.state = ContainerState::waiting,
            .reason = text_at(waiting, {"reason"}),
            .message = text_at(waiting, {"message"})};
  }
  if (const Json& running = at(state, {"running"}); running.is_object()) {
    return {.state = ContainerState::running, .since = parse_rfc3339(text_at(running, {"startedAt"}))};
  }
  if (const Json& ended = at(state, {"terminated"}); ended.is_object()) {
    return {.state = ContainerState::terminated,
            .reason = text_at(ended, {"reason"}),
            .message = text_at(ended, {"message"}),
            .exit_code = static_cast<int>(integer_at(ended, {"exitCode"})),
            .since = parse_rfc3339(text_at(ended, {"finishedAt"}))};
  }
  return {};
}

std::string eviction_of(const Json& pod) {
  if (text_at(pod, {"status", "reason"}) == "Evicted") return text_at(pod, {"status", "message"});
  const Json& disruption = condition(pod, "DisruptionTarget");
  return holds(disruption) ? text_at(disruption, {"message"}) : std::string();
}

}  // namespace

Job job_from(const kube::Object& object) {
  Job job{.name = object.name(),
          .uid = object.uid(),
          .deleting = object.deleting(),
          .failed_pods = static_cast<int>(integer_at(object.json(), {"status", "failed"})),
          .created = parse_rfc3339(object.creation_timestamp()),
          .attempt = static_cast<int>(number(object.annotation(v1alpha1::attempt_annotation))),
          .outages = static_cast<int>(number(object.annotation(v1alpha1::outages_annotation))),
          .crashes = static_cast<int>(number(object.annotation(v1alpha1::crashes_annotation))),
          .inputs_hash = object.annotation(v1alpha1::inputs_annotation),
          .request_id = object.annotation(v1alpha1::request_annotation),
          .rendered_hash = object.annotation(v1alpha1::rendered_annotation),
          .generation = number(object.annotation(v1alpha1::generation_annotation)),
          .drops_data = !object.annotation(v1alpha1::drop_annotation).empty(),
          .trigger = v1alpha1::trigger_of(object.annotation(v1alpha1::verify_annotation)),
          .copy = object.annotation(v1alpha1::copy_annotation),
          .credentials = credentials_from_text(object.annotation(v1alpha1::credentials_annotation))};
  if (const Json& complete = condition(object.json(), "Complete"); holds(complete)) {
    job.state = JobState::complete;
    job.completed = parse_rfc3339(text_at(complete, {"lastTransitionTime"}));
  }
  if (const Json& failed = condition(object.json(), "Failed"); holds(failed)) {
    job.state = JobState::failed;
    job.fail_reason = text_at(failed, {"reason"});
    job.fail_message = text_at(failed, {"message"});
    job.completed = parse_rfc3339(text_at(failed, {"lastTransitionTime"}));
  }
  return job;
}

Pod pod_from(const kube::Object& object) {
  const Json& json = object.json();
  const std::string phase = text_at(json, {"status", "phase"});
  Pod pod{.name = object.name(),
          .uid = object.uid(),
          .ip = text_at(json, {"status", "podIP"}),
          .deleting = object.deleting(),
          .finished = phase == "Succeeded" || phase == "Failed",
          .eviction = eviction_of(json),
          .created = parse_rfc3339(object.creation_timestamp())};
  for (const kube::OwnerReference& owner : object.owners()) {
    if (owner.kind == "Job") pod.job_uid = owner.uid;
  }
  const Json& scheduled = condition(json, "PodScheduled");
  if (text_at(scheduled, {"reason"}) == "Unschedulable" && !holds(scheduled)) {
    pod.unschedulable = text_at(scheduled, {"message"});
  }
  pod.streams = !object.label(v1alpha1::stream_label).empty();
  pod.verifies = !object.label(v1alpha1::verify_label).empty();
  for (const Json& status : array_at(json, {"status", "containerStatuses"})) {
    if (text_at(status, {"name"}) != engine) continue;
    pod.engine = container_from(at(status, {"state"}));
    const Container before = container_from(at(status, {"lastState"}));
    if (before.state == ContainerState::terminated) pod.last_end = before;
  }
  return pod;
}

Deployment deployment_from(const kube::Object& object) {
  const Json& json = object.json();
  Deployment deployment{.name = object.name(),
                        .uid = object.uid(),
                        .deleting = object.deleting(),
                        .replicas = static_cast<int>(integer_at(json, {"spec", "replicas"})),
                        .created = parse_rfc3339(object.creation_timestamp()),
                        .rendered_hash = object.annotation(v1alpha1::rendered_annotation),
                        .image = object.annotation(v1alpha1::image_annotation),
                        .recopy = object.annotation(v1alpha1::recopy_annotation),
                        .generation = number(object.annotation(v1alpha1::generation_annotation)),
                        .credentials = credentials_from_text(object.annotation(v1alpha1::credentials_annotation))};
  const bool taken_up = integer_at(json, {"status", "observedGeneration"}) >= object.generation();
  deployment.rolling = !taken_up || integer_at(json, {"status", "updatedReplicas"}) < deployment.replicas ||
                       integer_at(json, {"status", "readyReplicas"}) < deployment.replicas;
  if (const Json& failure = condition(json, "ReplicaFailure"); holds(failure)) {
    deployment.refusal = text_at(failure, {"message"});
  }
  return deployment;
}

}  // namespace tributary::replication
