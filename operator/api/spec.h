#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/clock.h"

// What a person asks for: `spec` of a Replication, as crds/replications.tributary.dev.yaml defines it. Plain values.
namespace tributary::v1alpha1 {

enum class Mode { validate, snapshot, snapshot_and_sync, sync };
enum class State { running, paused, stopped };
enum class OnTargetNotEmpty { fail, drop, append };
enum class SourceObjects { remove, retain };
enum class TargetData { retain, remove };
enum class OnExceed { warn, release };
enum class SchemaChanges { apply, stop };
enum class OnMismatch { degrade, report };

constexpr bool copies(Mode mode) {
  return mode == Mode::snapshot || mode == Mode::snapshot_and_sync;
}
constexpr bool streams(Mode mode) {
  return mode == Mode::snapshot_and_sync || mode == Mode::sync;
}

// May make slots on the source.
constexpr bool uses_slots(Mode mode) {
  return mode != Mode::validate;
}

// One end. The Secret is in the object's own namespace; the other fields override what it says.
struct Endpoint {
  std::string secret = {};
  std::string host = {};
  std::uint16_t port = 0;
  std::string database = {};
  std::string ssl_mode = {};
  bool allow_self_signed_certificates = false;
};

struct Selection {
  std::vector<std::string> include = {};
  std::vector<std::string> exclude = {};
};

struct SnapshotSpec {
  int parallelism = 0;  // 0: the engine chooses
  OnTargetNotEmpty on_target_not_empty = OnTargetNotEmpty::fail;
  bool roles = true;
  bool large_objects = true;
  bool allow_older_target = false;
  bool resume_per_table = false;
  std::string request_id = {};
  Seconds timeout{0};  // 0: none
  Seconds stall_timeout{15 * 60};
  int backoff_limit = 6;
};

struct SyncSpec {
  Seconds max_lag{60};                     // 0: any
  Seconds refresh_interval{24 * 60 * 60};  // of tables that cannot be streamed; 0: never
  SchemaChanges schema_changes = SchemaChanges::apply;
};

// Tables to be copied again beside the stream, once for each request.
struct RecopySpec {
  std::string request_id = {};  // "": nothing is asked for
  std::vector<std::string> tables = {};
};

// When both ends are compared, and what a difference means.
struct VerifySpec {
  bool after_snapshot = true;   // by default only with a stream: without one the source has gone on since
  std::string schedule = {};    // as schedule.h reads it; "": none
  std::string request_id = {};  // one comparison for each; "": nothing is asked for
  OnMismatch on_mismatch = OnMismatch::degrade;
};

// Overrides for the engine's pod. The JSON members are Kubernetes' own types, passed on as they are.
struct Template {
  std::string image = {};
  std::string image_pull_policy = {};
  std::string service_account_name = {};
  std::string priority_class_name = {};
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  nlohmann::json image_pull_secrets;
  nlohmann::json resources;
  nlohmann::json node_selector;
  nlohmann::json tolerations;
  nlohmann::json affinity;
};

struct Spec {
  Mode mode = Mode::snapshot;
  State state = State::running;
  Endpoint source;
  Endpoint target;
  bool create_database = true;  // on the target
  Selection databases;
  Selection tables;
  SnapshotSpec snapshot;
  std::string publication = {};        // on the source, made by somebody else
  std::uint64_t max_retained_wal = 0;  // bytes of its log that the source may keep for copy or stream; 0: any
  OnExceed on_exceed = OnExceed::warn;
  SyncSpec sync;
  RecopySpec recopy;
  VerifySpec verify;
  SourceObjects source_objects = SourceObjects::remove;  // at deletion, as the next two
  TargetData target_data = TargetData::retain;
  Seconds deletion_timeout{5 * 60};
  Template pod;
};

}  // namespace tributary::v1alpha1
