#include "operator/api/spec_json.h"

#include "operator/api/duration.h"
#include "operator/api/json_fields.h"
#include "operator/api/quantity.h"

namespace tributary::v1alpha1 {
namespace {

enum class EndpointType { postgresql };

const Words<Mode> mode_words = {{"Validate", Mode::validate},
                                {"Snapshot", Mode::snapshot},
                                {"SnapshotAndSync", Mode::snapshot_and_sync},
                                {"Sync", Mode::sync}};
const Words<State> state_words = {{"Running", State::running}, {"Paused", State::paused}, {"Stopped", State::stopped}};
const Words<EndpointType> type_words = {{"PostgreSQL", EndpointType::postgresql}};
const Words<OnTargetNotEmpty> not_empty_words = {
    {"Fail", OnTargetNotEmpty::fail}, {"Drop", OnTargetNotEmpty::drop}, {"Append", OnTargetNotEmpty::append}};
const Words<SourceObjects> source_object_words = {{"Delete", SourceObjects::remove}, {"Retain", SourceObjects::retain}};
const Words<TargetData> target_data_words = {{"Retain", TargetData::retain}, {"Delete", TargetData::remove}};
const Words<OnExceed> on_exceed_words = {{"Warn", OnExceed::warn}, {"Release", OnExceed::release}};
const Words<SchemaChanges> schema_change_words = {{"Apply", SchemaChanges::apply}, {"Stop", SchemaChanges::stop}};
const Words<OnMismatch> on_mismatch_words = {{"Degrade", OnMismatch::degrade}, {"Report", OnMismatch::report}};

void read_bytes(const JsonFields& in, const char* key, std::uint64_t& value) {
  std::string text;
  in.read(key, text);
  if (text.empty()) return;
  const std::optional<std::uint64_t> parsed = parse_bytes(text);
  if (!parsed) return in.complain(key, "is not a number of bytes such as 500Mi or 50Gi");
  value = *parsed;
}

void read_duration(const JsonFields& in, const char* key, Seconds& value) {
  std::string text;
  in.read(key, text);
  if (text.empty()) return;
  const std::optional<Seconds> parsed = parse_duration(text);
  if (!parsed) return in.complain(key, "is not a duration such as 90s, 15m or 1h30m");
  value = *parsed;
}

Endpoint read_endpoint(const JsonFields& in) {
  Endpoint endpoint;
  EndpointType type = EndpointType::postgresql;  // the only one so far: read to refuse others
  in.read_word("type", type, type_words);
  in.inner("secretRef").read("name", endpoint.secret);
  in.read("host", endpoint.host);
  in.read("port", endpoint.port);
  in.read("database", endpoint.database);
  in.read("sslMode", endpoint.ssl_mode);
  in.read("allowSelfSignedCertificates", endpoint.allow_self_signed_certificates);
  if (endpoint.secret.empty()) in.complain("secretRef.name", "is missing");
  return endpoint;
}

Selection read_selection(const JsonFields& in) {
  Selection selection;
  in.read("include", selection.include);
  in.read("exclude", selection.exclude);
  return selection;
}

SnapshotSpec read_snapshot(const JsonFields& in) {
  SnapshotSpec snapshot;
  in.read("parallelism", snapshot.parallelism);
  in.read_word("onTargetNotEmpty", snapshot.on_target_not_empty, not_empty_words);
  in.read("roles", snapshot.roles);
  in.read("largeObjects", snapshot.large_objects);
  in.read("allowOlderTarget", snapshot.allow_older_target);
  in.read("resumePerTable", snapshot.resume_per_table);
  in.read("requestID", snapshot.request_id);
  in.read("backoffLimit", snapshot.backoff_limit);
  read_duration(in, "timeout", snapshot.timeout);
  read_duration(in, "stallTimeout", snapshot.stall_timeout);
  return snapshot;
}

SyncSpec read_sync(const JsonFields& in) {
  SyncSpec sync;
  read_duration(in, "maxLag", sync.max_lag);
  read_duration(in, "refreshInterval", sync.refresh_interval);
  in.read_word("schemaChanges", sync.schema_changes, schema_change_words);
  return sync;
}

RecopySpec read_recopy(const JsonFields& in) {
  RecopySpec recopy;
  in.read("requestID", recopy.request_id);
  in.read("tables", recopy.tables);
  return recopy;
}

VerifySpec read_verify(const JsonFields& in, Mode mode) {
  VerifySpec verify;
  verify.after_snapshot = streams(mode);
  in.read("afterSnapshot", verify.after_snapshot);
  in.read("schedule", verify.schedule);
  in.read("requestID", verify.request_id);
  in.read_word("onMismatch", verify.on_mismatch, on_mismatch_words);
  return verify;
}

Template read_template(const JsonFields& in) {
  Template pod;
  in.read("image", pod.image);
  in.read("imagePullPolicy", pod.image_pull_policy);
  in.read("serviceAccountName", pod.service_account_name);
  in.read("priorityClassName", pod.priority_class_name);
  in.read("labels", pod.labels);
  in.read("annotations", pod.annotations);
  pod.image_pull_secrets = in.raw("imagePullSecrets");
  pod.resources = in.raw("resources");
  pod.node_selector = in.raw("nodeSelector");
  pod.tolerations = in.raw("tolerations");
  pod.affinity = in.raw("affinity");
  return pod;
}

}  // namespace

Spec spec_from_json(const nlohmann::json& json, std::optional<Error>& flaw) {
  const JsonFields in(json, "spec", flaw);
  Spec spec;
  in.read_word("mode", spec.mode, mode_words);
  in.read_word("state", spec.state, state_words);
  spec.source = read_endpoint(in.inner("source"));
  spec.target = read_endpoint(in.inner("target"));
  in.inner("source").read("publication", spec.publication);
  read_bytes(in.inner("source"), "maxRetainedWAL", spec.max_retained_wal);
  in.inner("source").read_word("onExceed", spec.on_exceed, on_exceed_words);
  in.inner("target").read("createDatabase", spec.create_database);
  spec.databases = read_selection(in.inner("databases"));
  spec.tables = read_selection(in.inner("tables"));
  spec.snapshot = read_snapshot(in.inner("snapshot"));
  spec.sync = read_sync(in.inner("sync"));
  spec.recopy = read_recopy(in.inner("recopy"));
  spec.verify = read_verify(in.inner("verify"), spec.mode);
  in.inner("deletion").read_word("sourceObjects", spec.source_objects, source_object_words);
  in.inner("deletion").read_word("targetData", spec.target_data, target_data_words);
  read_duration(in.inner("deletion"), "timeout", spec.deletion_timeout);
  spec.pod = read_template(in.inner("template"));
  return spec;
}

}  // namespace tributary::v1alpha1
