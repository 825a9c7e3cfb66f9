#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/outcome.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"

// What is happening now: the body of GET /status while an engine runs, and what the terminal shows. Values only.
namespace tributary::api {

// The steps of a snapshot in order. `waiting` is a retry: `message` then holds the last error.
enum class Phase {
  starting,
  waiting,
  validating,
  preparing,  // roles, databases, schema before data
  copying,
  indexing,   // no copy part is left; indexes and constraints are still built
  finishing,  // foreign keys, sequences, materialized views, statistics
  following,  // continuous sync: see the streams
  comparing,  // both ends, after whatever copied them
  done,
  failed,
};

struct TableProgress {
  std::string name;  // schema.table
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;  // estimate
  bool done = false;
};

enum class StreamState {
  connecting,  // nothing is known of the source yet, or not any more: lag is not known either
  following,
  holding,  // the slot is watched and nothing is applied
};

// Tables that are copied again beside a stream.
struct RecopyProgress {
  std::uint64_t tables = 0;         // of this round
  std::uint64_t tables_copied = 0;  // whose rows are replaced; the stream takes them back when all are
  std::string table;                // being copied, or ""
  std::uint64_t rows = 0;           // of this round
  std::uint64_t bytes = 0;
  std::string error;  // that is being overcome, or ""
  bool operator==(const RecopyProgress&) const = default;
};

// A table whose changes do not reach the target as they happen, and why.
struct TableStatus {
  std::string name;   // schema.table
  std::string state;  // "stopped", "not_streamed", "recopy"; "dropped" on the source, and still on the target
  std::string reason;
  bool operator==(const TableStatus&) const = default;
};

// Those of one database's stream.
struct TablesAside {
  std::uint64_t stopped = 0;             // for good, until somebody has them copied again
  std::uint64_t recopy = 0;              // to be copied again, or at it
  std::uint64_t not_streamed = 0;        // that the source cannot publish
  std::uint64_t recopy_seconds = 0;      // since when there has always been one to be copied again
  std::vector<TableStatus> tables = {};  // in this order, dropped ones last; at most 50
  bool operator==(const TablesAside&) const = default;
};

// One database's stream. Positions are the source's, "" where there is none.
struct StreamProgress {
  StreamState state = StreamState::connecting;
  std::uint64_t lag_bytes = 0;    // of the source's log, that the target lacks
  std::uint64_t lag_seconds = 0;  // since the target had everything, or since the last commit that it has
  std::string received;
  std::string applied;
  std::string last_transaction;    // when the last one that was applied was committed on the source (RFC 3339)
  std::uint64_t transactions = 0;  // applied by this engine
  std::uint64_t changes = 0;
  std::string error;  // that is being overcome, or ""
  std::string slot;
  std::optional<std::uint64_t> retained_bytes = {};  // of its log that the source keeps for the slot; if it is known
  std::optional<RecopyProgress> recopy = {};
  std::optional<TablesAside> aside = {};  // nothing before the ledger was read
  bool operator==(const StreamProgress&) const = default;
};

struct DatabaseProgress {
  std::string name;
  std::uint64_t tables_total = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t rows_copied = 0;
  std::uint64_t bytes_copied = 0;
  std::uint64_t bytes_total = 0;      // estimate
  std::vector<TableProgress> active;  // at most 20, being copied right now
  std::optional<StreamProgress> stream = {};
};

// What became of Spec.recopy, in all databases together. It is done when all its tables are copied or stopped.
struct RecopyRequest {
  std::string request_id = {};
  std::uint64_t tables = 0;  // that it names
  std::uint64_t copied = 0;
  std::uint64_t stopped = 0;               // that could not be copied again
  std::vector<std::string> failures = {};  // why they could not, and what names no table; at most 20
  bool operator==(const RecopyRequest&) const = default;
};

struct Progress {
  int version = 1;
  std::string replication;
  Phase phase = Phase::starting;
  Checks checks = Checks::unknown;  // in whatever phase, Phase::waiting too
  std::string message;              // one line for a person; with Phase::waiting the error being retried
  int percent = 0;                  // of bytes over all databases; 100 only in Phase::done
  std::string started;              // RFC 3339
  std::string updated;              // RFC 3339, moves whenever anything below moved
  std::vector<DatabaseProgress> databases;
  std::optional<RecopyRequest> request = {};  // nothing before it was taken up
};

const char* word_of(Phase phase);
const char* word_of(StreamState state);

Result<Progress> progress_from_json(std::string_view text);
std::string to_json(const Progress& progress);

}  // namespace tributary::api
