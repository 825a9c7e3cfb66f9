#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"

// What to replicate: the first half of the contract between whoever runs an engine (the operator, or a person at
// the command line) and the engine. Plain values; the JSON form is what the operator mounts as spec.json. Unknown
// keys are errors: a misspelt option must never be ignored.
namespace tributary::api {

// The version of spec.json, of GET /status and of the termination message. An operator reads N and N-1.
inline constexpr int contract_version = 1;

enum class Mode { validate, snapshot, snapshot_and_sync, sync };
enum class EndpointType { postgresql, mysql, mongodb, sqlite };
enum class OnTargetNotEmpty { fail, drop, append };

// How to reach one database server. Either `uri`, or `credentials_dir` with the files of a mounted Secret (`uri`,
// or `host port dbname user|username password`, optional `ca.crt tls.crt tls.key`); the other fields override
// both. The directory is read anew at every connect, so rotated credentials work. Never logged whole: `uri` may
// hold a password.
struct Endpoint {
  EndpointType type = EndpointType::postgresql;
  std::string uri;              // libpq URI or keyword string; never part of the JSON form
  std::string credentials_dir;  // absolute path
  std::string host;
  std::uint16_t port = 0;
  std::string database;
  std::string ssl_mode;
  bool allow_self_signed_certificates = false;
};

// Which databases and tables. At each level include or exclude, not both; empty means the default (the source
// URI's own database; all tables). "*" stands for any run of characters inside one part of a name.
struct Selection {
  std::vector<std::string> include_databases;
  std::vector<std::string> exclude_databases;
  std::vector<std::string> include_tables;  // db.table or db.schema.table
  std::vector<std::string> exclude_tables;
};

struct SnapshotOptions {
  int parallelism = 0;  // copy streams; 0: chosen from what both servers have
  OnTargetNotEmpty on_target_not_empty = OnTargetNotEmpty::fail;
  bool create_database = true;
  bool roles = true;
  bool large_objects = true;
  bool allow_older_target = false;
  bool resume_per_table = false;   // keep tables that an earlier, killed attempt finished under another snapshot
  bool keep_slot = false;          // of mode Snapshot: may leave one, which whoever starts engines has released then
  std::string request_id;          // a new one repeats a completed snapshot
  Seconds timeout{0};              // 0: none
  Seconds stall_timeout{15 * 60};  // no byte and no step for this long is a failure; 0: none
};

// What becomes of a table that the source defines anew, where the stream cannot tell the rest.
enum class SchemaChanges {
  apply,  // the definition is carried out on the target, and the rows are copied again where they must be
  stop,   // the table stops, and says what is to be done
};

struct SyncOptions {
  std::string publication;  // one that somebody has made on the source; "": the engine makes its own
  SchemaChanges schema_changes = SchemaChanges::apply;
  Seconds refresh_interval{24 * 60 * 60};  // of tables that cannot be streamed: how old their rows may be; 0: any age
};

// Tables to be copied again beside the stream, once for each request.
struct RecopyOptions {
  std::string request_id;           // "": nothing is asked for
  std::vector<std::string> tables;  // as Selection::include_tables
};

struct VerifyOptions {
  std::string request_id;  // echoed in the report
};

struct Spec {
  Mode mode = Mode::snapshot;
  std::string replication;  // identity in the ledger: the object's UID; empty: derived from both ends
  std::string name;         // for people: namespace/name of the object, or empty
  int attempt = 0;          // of the operator's Job; a higher one supersedes a lower one
  Endpoint source;
  Endpoint target;
  Selection selection;
  SnapshotOptions snapshot;
  SyncOptions sync;
  RecopyOptions recopy;
  VerifyOptions verify;
  // SHA-256, in hexadecimal digits, of the token that POST /release has to bear; "": there is no such route.
  std::string release_token_sha256;
};

// Total: any text gives a Spec or Fault::invalid naming the key.
Result<Spec> spec_from_json(std::string_view text);
std::string to_json(const Spec& spec);

}  // namespace tributary::api
