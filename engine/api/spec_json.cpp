#include <array>

#include "engine/api/json_reader.h"
#include "engine/api/spec.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

const Words<Mode> mode_words = {{"Validate", Mode::validate},
                                {"Snapshot", Mode::snapshot},
                                {"SnapshotAndSync", Mode::snapshot_and_sync},
                                {"Sync", Mode::sync}};
const Words<EndpointType> type_words = {{"PostgreSQL", EndpointType::postgresql},
                                        {"MySQL", EndpointType::mysql},
                                        {"MongoDB", EndpointType::mongodb},
                                        {"SQLite", EndpointType::sqlite}};
const Words<OnTargetNotEmpty> not_empty_words = {
    {"Fail", OnTargetNotEmpty::fail}, {"Drop", OnTargetNotEmpty::drop}, {"Append", OnTargetNotEmpty::append}};

const Words<SchemaChanges> schema_change_words = {{"Apply", SchemaChanges::apply}, {"Stop", SchemaChanges::stop}};

void read_endpoint(JsonReader& in, Endpoint& endpoint) {
  in.read_word("type", endpoint.type, type_words)
      .read("credentialsDir", endpoint.credentials_dir)
      .read("host", endpoint.host)
      .read("port", endpoint.port)
      .read("database", endpoint.database)
      .read("sslMode", endpoint.ssl_mode)
      .read("allowSelfSignedCertificates", endpoint.allow_self_signed_certificates);
}

ordered_json write_endpoint(const Endpoint& endpoint) {
  return {{"type", word_for(type_words, endpoint.type)},
          {"credentialsDir", endpoint.credentials_dir},
          {"host", endpoint.host},
          {"port", endpoint.port},
          {"database", endpoint.database},
          {"sslMode", endpoint.ssl_mode},
          {"allowSelfSignedCertificates", endpoint.allow_self_signed_certificates}};
}

void read_selection(JsonReader& in, Selection& selection) {
  in.read("includeDatabases", selection.include_databases)
      .read("excludeDatabases", selection.exclude_databases)
      .read("includeTables", selection.include_tables)
      .read("excludeTables", selection.exclude_tables);
}

void read_snapshot(JsonReader& in, SnapshotOptions& snapshot) {
  std::uint64_t timeout = static_cast<std::uint64_t>(snapshot.timeout.count());
  std::uint64_t stall_timeout = static_cast<std::uint64_t>(snapshot.stall_timeout.count());
  in.read("parallelism", snapshot.parallelism)
      .read_word("onTargetNotEmpty", snapshot.on_target_not_empty, not_empty_words)
      .read("createDatabase", snapshot.create_database)
      .read("roles", snapshot.roles)
      .read("largeObjects", snapshot.large_objects)
      .read("allowOlderTarget", snapshot.allow_older_target)
      .read("resumePerTable", snapshot.resume_per_table)
      .read("keepSlot", snapshot.keep_slot)
      .read("requestID", snapshot.request_id)
      .read("timeoutSeconds", timeout)
      .read("stallTimeoutSeconds", stall_timeout);
  snapshot.timeout = Seconds(timeout);
  snapshot.stall_timeout = Seconds(stall_timeout);
}

ordered_json write_snapshot(const SnapshotOptions& snapshot) {
  return {{"parallelism", snapshot.parallelism},
          {"onTargetNotEmpty", word_for(not_empty_words, snapshot.on_target_not_empty)},
          {"createDatabase", snapshot.create_database},
          {"roles", snapshot.roles},
          {"largeObjects", snapshot.large_objects},
          {"allowOlderTarget", snapshot.allow_older_target},
          {"resumePerTable", snapshot.resume_per_table},
          {"keepSlot", snapshot.keep_slot},
          {"requestID", snapshot.request_id},
          {"timeoutSeconds", snapshot.timeout.count()},
          {"stallTimeoutSeconds", snapshot.stall_timeout.count()}};
}

void read_sync(JsonReader& in, SyncOptions& sync) {
  std::uint64_t refresh_interval = static_cast<std::uint64_t>(sync.refresh_interval.count());
  in.read("publication", sync.publication)
      .read_word("schemaChanges", sync.schema_changes, schema_change_words)
      .read("refreshIntervalSeconds", refresh_interval);
  sync.refresh_interval = Seconds(refresh_interval);
}

ordered_json write_sync(const SyncOptions& sync) {
  return {{"publication", sync.publication},
          {"schemaChanges", word_for(schema_change_words, sync.schema_changes)},
          {"refreshIntervalSeconds", sync.refresh_interval.count()}};
}

// Half a digest would be a route that nobody can use, or anybody.
Result<void> check_token(const std::string& sha256) {
  const bool whole = sha256.size() == 64 && sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (sha256.empty() || whole) return {};
  return Error{Fault::invalid, "spec.releaseTokenSHA256 is not a SHA-256 in 64 lower-case hexadecimal digits"};
}

Result<void> check_recopy(const RecopyOptions& recopy) {
  if (recopy.request_id.empty() && !recopy.tables.empty())
    return Error{Fault::invalid, "spec.recopy.tables without spec.recopy.requestID",
                 "give the request an ID of its own"};
  if (!recopy.request_id.empty() && recopy.tables.empty())
    return Error{Fault::invalid, "spec.recopy.requestID without spec.recopy.tables",
                 "name tables like db.schema.table"};
  return {};
}

void read_recopy(JsonReader& in, RecopyOptions& recopy) {
  in.read("requestID", recopy.request_id).read("tables", recopy.tables);
}

ordered_json write_recopy(const RecopyOptions& recopy) {
  return {{"requestID", recopy.request_id}, {"tables", recopy.tables}};
}

void read_verify(JsonReader& in, VerifyOptions& verify) {
  in.read("requestID", verify.request_id);
}

ordered_json write_verify(const VerifyOptions& verify) {
  return {{"requestID", verify.request_id}};
}

}  // namespace

Result<Spec> spec_from_json(std::string_view text) {
  Spec spec;
  int version = contract_version;
  JsonReader in(text, "spec", UnknownKeys::refuse);
  in.read("version", version)
      .read_word("mode", spec.mode, mode_words)
      .read("replication", spec.replication)
      .read("name", spec.name)
      .read("attempt", spec.attempt)
      .read_object("source", [&](JsonReader& inner) { read_endpoint(inner, spec.source); })
      .read_object("target", [&](JsonReader& inner) { read_endpoint(inner, spec.target); })
      .read_object("selection", [&](JsonReader& inner) { read_selection(inner, spec.selection); })
      .read_object("snapshot", [&](JsonReader& inner) { read_snapshot(inner, spec.snapshot); })
      .read_object("sync", [&](JsonReader& inner) { read_sync(inner, spec.sync); })
      .read_object("recopy", [&](JsonReader& inner) { read_recopy(inner, spec.recopy); })
      .read_object("verify", [&](JsonReader& inner) { read_verify(inner, spec.verify); })
      .read("releaseTokenSHA256", spec.release_token_sha256);
  TRY(in.finish());
  TRY(check_token(spec.release_token_sha256));
  TRY(check_recopy(spec.recopy));
  if (version != contract_version) {
    return Error{Fault::invalid, "spec.version " + std::to_string(version) + " is not known to this engine",
                 "run engine and operator of the same release"};
  }
  return spec;
}

std::string to_json(const Spec& spec) {
  const ordered_json json = {{"version", contract_version},
                             {"mode", word_for(mode_words, spec.mode)},
                             {"replication", spec.replication},
                             {"name", spec.name},
                             {"attempt", spec.attempt},
                             {"source", write_endpoint(spec.source)},
                             {"target", write_endpoint(spec.target)},
                             {"selection",
                              {{"includeDatabases", spec.selection.include_databases},
                               {"excludeDatabases", spec.selection.exclude_databases},
                               {"includeTables", spec.selection.include_tables},
                               {"excludeTables", spec.selection.exclude_tables}}},
                             {"snapshot", write_snapshot(spec.snapshot)},
                             {"sync", write_sync(spec.sync)},
                             {"recopy", write_recopy(spec.recopy)},
                             {"verify", write_verify(spec.verify)},
                             {"releaseTokenSHA256", spec.release_token_sha256}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace tributary::api
