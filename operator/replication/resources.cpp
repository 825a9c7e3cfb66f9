#include "operator/replication/resources.h"

#include <algorithm>

#include "engine/api/spec.h"
#include "engine/base/digest.h"
#include "operator/api/names.h"
#include "operator/replication/credentials.h"
#include "operator/replication/pod_template.h"

namespace tributary::replication {
namespace {

using kube::Json;
using v1alpha1::Replication;

api::OnTargetNotEmpty translate(v1alpha1::OnTargetNotEmpty choice) {
  switch (choice) {
    case v1alpha1::OnTargetNotEmpty::fail:
      return api::OnTargetNotEmpty::fail;
    case v1alpha1::OnTargetNotEmpty::drop:
      return api::OnTargetNotEmpty::drop;
    case v1alpha1::OnTargetNotEmpty::append:
      return api::OnTargetNotEmpty::append;
  }
  std::abort();
}

api::Endpoint translate(const v1alpha1::Endpoint& endpoint, const char* folder) {
  api::Endpoint out;
  out.credentials_dir = folder;
  out.host = endpoint.host;
  out.port = endpoint.port;
  out.database = endpoint.database;
  out.ssl_mode = endpoint.ssl_mode;
  out.allow_self_signed_certificates = endpoint.allow_self_signed_certificates;
  return out;
}

api::Mode translate(v1alpha1::Mode mode) {
  switch (mode) {
    case v1alpha1::Mode::validate:
      return api::Mode::validate;
    case v1alpha1::Mode::snapshot:
      return api::Mode::snapshot;
    case v1alpha1::Mode::snapshot_and_sync:
      return api::Mode::snapshot_and_sync;
    case v1alpha1::Mode::sync:
      return api::Mode::sync;
  }
  std::abort();
}

api::SchemaChanges translate(v1alpha1::SchemaChanges choice) {
  switch (choice) {
    case v1alpha1::SchemaChanges::apply:
      return api::SchemaChanges::apply;
    case v1alpha1::SchemaChanges::stop:
      return api::SchemaChanges::stop;
  }
  std::abort();
}

api::Spec engine_spec(const Replication& replication, int attempt) {
  const v1alpha1::Spec& spec = replication.spec;
  api::Spec out;
  out.mode = translate(spec.mode);
  out.replication = identity_of(replication);
  out.name = replication.space + "/" + replication.name;
  out.attempt = attempt;
  out.source = translate(spec.source, source_folder);
  out.target = translate(spec.target, target_folder);
  out.selection = {spec.databases.include, spec.databases.exclude, spec.tables.include, spec.tables.exclude};
  out.snapshot.parallelism = spec.snapshot.parallelism;
  out.snapshot.on_target_not_empty = translate(spec.snapshot.on_target_not_empty);
  out.snapshot.create_database = spec.create_database;
  out.snapshot.roles = spec.snapshot.roles;
  out.snapshot.large_objects = spec.snapshot.large_objects;
  out.snapshot.allow_older_target = spec.snapshot.allow_older_target;
  out.snapshot.resume_per_table = spec.snapshot.resume_per_table;
  out.snapshot.keep_slot = spec.mode == v1alpha1::Mode::snapshot;
  out.snapshot.request_id = spec.snapshot.request_id;
  out.snapshot.timeout = spec.snapshot.timeout;
  out.snapshot.stall_timeout = spec.snapshot.stall_timeout;
  out.sync.publication = spec.publication;
  out.recopy = {spec.recopy.request_id, spec.recopy.tables};
  return out;
}

// What only a copy asks for has no say in a stream, which would be started again for it, and the other way round.
api::Spec stream_spec(const Replication& replication, int attempt) {
  const v1alpha1::Spec& spec = replication.spec;
  api::Spec out = engine_spec(replication, attempt);
  out.snapshot = {};
  out.sync.schema_changes = translate(spec.sync.schema_changes);
  out.sync.refresh_interval = spec.sync.refresh_interval;
  return out;
}

// The engine that holds the ledger goes on: `attempt` is its own.
api::Spec verification_spec(const Replication& replication, int attempt) {
  api::Spec out = engine_spec(replication, attempt);
  out.recopy = {};
  out.verify.request_id = replication.spec.verify.request_id;
  return out;
}

Json labels(const Replication& replication) {
  return {{"app.kubernetes.io/name", "tributary"},
          {"app.kubernetes.io/component", "engine"},
          {"app.kubernetes.io/managed-by", "tributary"},
          {v1alpha1::name_label, replication.name},
          {v1alpha1::uid_label, replication.uid}};
}

Json metadata(const Replication& replication, const std::string& name) {
  const kube::Object owner(Json{{"apiVersion", v1alpha1::api_version},
                                {"kind", v1alpha1::kind},
                                {"metadata", {{"name", replication.name}, {"uid", replication.uid}}}});
  return {{"name", name},
          {"namespace", replication.space},
          {"labels", labels(replication)},
          {"ownerReferences", Json::array({kube::controller_reference(owner)})}};
}

// Exit codes after the engine's outcome.h: from 2 on the same Job would only say the same again; the next one may end
// a fenced predecessor's session, because its attempt is higher. An eviction or a node's end is
// nobody's failure and does not count.
Json failure_policy() {
  const Json final_codes = {
      {"action", "FailJob"},
      {"onExitCodes", {{"containerName", "engine"}, {"operator", "In"}, {"values", {2, 3, 4, 5}}}}};
  const Json disruption = {{"action", "Ignore"},
                           {"onPodConditions", Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}}})}};
  return {{"rules", Json::array({final_codes, disruption})}};
}

Errand errand_of(v1alpha1::Mode mode) {
  return {{mode == v1alpha1::Mode::validate ? "validate" : "init"}};
}

Json job_spec(const Observed& seen, const Errand& errand, const std::string& config_map, int crashes, Json pod_labels) {
  const v1alpha1::Spec& spec = seen.object.spec;
  Json out = {{"completions", 1},
              {"parallelism", 1},
              {"backoffLimit", std::max(0, spec.snapshot.backoff_limit - crashes)},
              {"podFailurePolicy", failure_policy()},
              {"template", pod_template(seen.object, errand, std::move(pod_labels), config_map, seen.image)}};
  // The engine ends at the timeout by itself and says so; this is for one that cannot.
  constexpr Seconds grace{60};
  if (spec.snapshot.timeout > Seconds{0}) out["activeDeadlineSeconds"] = (spec.snapshot.timeout + grace).count();
  return out;
}

Json verification_job_spec(const Observed& seen, const std::string& config_map, int crashes) {
  Json pod_labels = labels(seen.object);
  pod_labels[v1alpha1::verify_label] = "true";
  Json out = job_spec(seen, {{"verify"}}, config_map, crashes, std::move(pod_labels));
  out.erase("activeDeadlineSeconds");
  return out;
}

kube::Object job_object(const Observed& seen, const Attempt& attempt, Json annotations, Json spec) {
  Json job_metadata = metadata(seen.object, attempt.name);
  annotations[v1alpha1::attempt_annotation] = std::to_string(attempt.number);
  annotations[v1alpha1::generation_annotation] = std::to_string(seen.object.generation);
  annotations[v1alpha1::credentials_annotation] = to_text(seen.secrets);
  job_metadata["annotations"] = std::move(annotations);
  return kube::Object(
      {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", std::move(job_metadata)}, {"spec", std::move(spec)}});
}

std::string job_name(const Replication& replication, const std::string& inputs, int number) {
  return replication.name + "-" + digest(replication.uid + inputs).substr(0, 8) + "-" + std::to_string(number);
}

kube::Object config_map_with(const Replication& replication, const std::string& name, const api::Spec& spec) {
  return kube::Object({{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"metadata", metadata(replication, name)},
                       {"data", {{"spec.json", to_json(spec)}}}});
}

Json stream_labels(const Replication& replication) {
  return {{v1alpha1::uid_label, replication.uid}, {v1alpha1::stream_label, "true"}};
}

Json stream_template(const Observed& seen, bool hold, const std::string& config_map, const std::string& image) {
  Errand errand{{"sync"}, true};
  if (hold) errand.verb.push_back("--hold");
  Json pod_labels = labels(seen.object);
  pod_labels.update(stream_labels(seen.object));
  return pod_template(seen.object, errand, std::move(pod_labels), config_map, image);
}

// One pod at most: two would only wait for each other's lock.
Json stream_workload(const Replication& replication, Json pod) {
  return {{"replicas", 1},
          {"revisionHistoryLimit", 1},
          {"strategy", {{"type", "Recreate"}}},
          {"selector", {{"matchLabels", stream_labels(replication)}}},
          {"template", std::move(pod)}};
}

}  // namespace

std::string identity_of(const Replication& replication) {
  return replication.spec.mode == v1alpha1::Mode::sync ? "" : replication.uid;
}

std::string inputs_hash(const Replication& replication) {
  api::Spec spec = engine_spec(replication, 0);
  const api::SnapshotOptions manner;
  spec.snapshot.parallelism = manner.parallelism;
  spec.snapshot.timeout = manner.timeout;
  spec.snapshot.stall_timeout = manner.stall_timeout;
  spec.snapshot.allow_older_target = manner.allow_older_target;
  spec.snapshot.resume_per_table = manner.resume_per_table;
  spec.snapshot.keep_slot = manner.keep_slot;
  spec.recopy = {};
  for (api::Endpoint* end : {&spec.source, &spec.target}) {
    end->ssl_mode.clear();
    end->allow_self_signed_certificates = false;
  }
  const Json asked = Json::diff(Json::parse(to_json(api::Spec{})), Json::parse(to_json(spec)));
  return digest(asked.dump() + replication.spec.source.secret + "/" + replication.spec.target.secret);
}

bool asks_for_something_else(const Replication& object, std::int64_t generation, const std::string& hash) {
  return generation != object.generation && hash != inputs_hash(object);
}

std::string rendered_hash(const Observed& seen) {
  return digest(to_json(engine_spec(seen.object, 0)) +
                job_spec(seen, errand_of(seen.object.spec.mode), "", 0, labels(seen.object)).dump());
}

kube::Object config_map_of(const Observed& seen, const std::string& name, int attempt) {
  api::Spec mounted = engine_spec(seen.object, attempt);
  mounted.release_token_sha256 = seen.release_token_hash;
  return config_map_with(seen.object, name, mounted);
}

Attempt attempt_for(const Observed& seen, int number, const Before& before) {
  const Replication& replication = seen.object;
  Attempt attempt{.number = number, .inputs_hash = inputs_hash(replication)};
  attempt.name = job_name(replication, attempt.inputs_hash, number);
  attempt.job =
      job_object(seen, attempt,
                 {{v1alpha1::outages_annotation, std::to_string(before.outages)},
                  {v1alpha1::crashes_annotation, std::to_string(before.crashes)},
                  {v1alpha1::inputs_annotation, attempt.inputs_hash},
                  {v1alpha1::request_annotation, replication.spec.snapshot.request_id},
                  {v1alpha1::rendered_annotation, rendered_hash(seen)}},
                 job_spec(seen, errand_of(replication.spec.mode), attempt.name, before.crashes, labels(replication)));
  attempt.config_map = config_map_of(seen, attempt.name, number);
  return attempt;
}

Attempt release_for(const Observed& seen, int number, int failures, Remains remains) {
  const Replication& replication = seen.object;
  Attempt attempt{.number = number};
  attempt.name = job_name(replication, "release", number);
  Errand errand{{"release"}};
  Json annotations = {{v1alpha1::outages_annotation, std::to_string(failures)}, {v1alpha1::release_annotation, "true"}};
  if (remains == Remains::data) errand.verb.push_back("--forget");
  if (remains == Remains::nothing) {
    errand.verb.insert(errand.verb.end(), {"--drop-target-data", "--yes"});
    annotations[v1alpha1::drop_annotation] = "true";
  }
  Json spec = job_spec(seen, errand, attempt.name, 0, labels(replication));
  spec.erase("activeDeadlineSeconds");
  attempt.job = job_object(seen, attempt, std::move(annotations), std::move(spec));
  attempt.config_map = config_map_with(replication, attempt.name, stream_spec(replication, number));
  return attempt;
}

std::string verification_hash(const Observed& seen) {
  return digest(to_json(verification_spec(seen.object, 0)) + verification_job_spec(seen, "", 0).dump());
}

kube::Object verification_config_map(const Observed& seen, const std::string& name, int beside) {
  return config_map_with(seen.object, name, verification_spec(seen.object, beside));
}

Attempt verification_for(const Observed& seen, int number, const Before& before, v1alpha1::VerifyTrigger trigger,
                         int beside) {
  const Replication& replication = seen.object;
  const std::string word = v1alpha1::word_of(trigger);
  const std::string& request = replication.spec.verify.request_id;
  const std::string copy = replication.status.snapshot ? replication.status.snapshot->job_name : "";
  Attempt attempt{.number = number};
  attempt.name = job_name(replication, "verify " + word + " " + request + " " + copy, number);
  attempt.job = job_object(seen, attempt,
                           {{v1alpha1::verify_annotation, word},
                            {v1alpha1::copy_annotation, copy},
                            {v1alpha1::request_annotation, request},
                            {v1alpha1::outages_annotation, std::to_string(before.outages)},
                            {v1alpha1::crashes_annotation, std::to_string(before.crashes)},
                            {v1alpha1::rendered_annotation, verification_hash(seen)}},
                           verification_job_spec(seen, attempt.name, before.crashes));
  attempt.config_map = verification_config_map(seen, attempt.name, beside);
  return attempt;
}

Stream stream_for(const Observed& seen, int attempt, bool hold,
                  const std::vector<v1alpha1::CredentialVersion>& credentials) {
  const Replication& replication = seen.object;
  api::Spec lasting = stream_spec(replication, attempt);
  lasting.recopy = {};
  Stream stream{.name = replication.name + "-" + digest(replication.uid).substr(0, 8) + "-sync",
                .rendered_hash = digest(to_json(lasting) + stream_template(seen, hold, "", "").dump()),
                .image = replication.spec.pod.image.empty() ? seen.image : replication.spec.pod.image,
                .recopy = replication.spec.recopy.request_id};
  Json pod = stream_template(seen, hold, stream.name, stream.image);
  pod["metadata"]["annotations"][v1alpha1::rendered_annotation] = stream.rendered_hash;
  pod["metadata"]["annotations"][v1alpha1::credentials_annotation] = to_text(credentials);
  if (!stream.recopy.empty()) pod["metadata"]["annotations"][v1alpha1::recopy_annotation] = stream.recopy;
  Json about = metadata(replication, stream.name);
  about["annotations"] = {{v1alpha1::rendered_annotation, stream.rendered_hash},
                          {v1alpha1::image_annotation, stream.image},
                          {v1alpha1::generation_annotation, std::to_string(replication.generation)},
                          {v1alpha1::credentials_annotation, to_text(credentials)}};
  if (!stream.recopy.empty()) about["annotations"][v1alpha1::recopy_annotation] = stream.recopy;
  stream.deployment = kube::Object({{"apiVersion", "apps/v1"},
                                    {"kind", "Deployment"},
                                    {"metadata", std::move(about)},
                                    {"spec", stream_workload(replication, std::move(pod))}});
  // No part of what is rendered: a key that comes or changes replaces no pod.
  api::Spec mounted = stream_spec(replication, attempt);
  mounted.release_token_sha256 = seen.release_token_hash;
  stream.config_map = config_map_with(replication, stream.name, mounted);
  return stream;
}

}  // namespace tributary::replication
