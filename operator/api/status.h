#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the operator answers: `status` of a Replication. Conditions are the API; the phase is for people. Times are
// RFC 3339 texts. Plain values; conditions.h changes them.
namespace tributary::v1alpha1 {

enum class Phase { pending, validating, snapshotting, syncing, completed, paused, stopped, failed, deleting };
enum class Truth { yes, no, unknown };  // "True", "False", "Unknown"

struct Condition {
  std::string type = {};
  Truth status = Truth::unknown;
  std::string reason = {};
  std::string message = {};
  std::string last_transition_time = {};
  std::int64_t observed_generation = 0;
  bool operator==(const Condition&) const = default;
};

struct DatabaseStatus {
  std::string name = {};
  std::uint64_t tables_total = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t rows_copied = 0;
  std::uint64_t bytes_copied = 0;
  bool operator==(const DatabaseStatus&) const = default;
};

enum class RunResult { none, succeeded, failed };

// The current or last engine Job of its kind. `result` is recorded here before the Job may go, and is what keeps a
// finished run from being repeated.
struct Run {
  std::string inputs_hash = {};  // of what decides which rows arrive where
  std::string request_id = {};
  std::string job_name = {};
  int attempt = 0;
  // Jobs in a row, this one included once it has ended so, that ended because a server was away or another engine held
  // the lock. Above zero in a failed run, another Job follows by itself.
  int outages = 0;
  // Attempts in a row that crashed and that their Jobs could not count, because a sidecar kept the pods alive; the
  // limit counts them. Above zero in a failed run, another Job follows by itself.
  int crashes = 0;
  std::int64_t generation = 0;  // of the spec that the Job was made from
  std::string start_time = {};
  std::string completion_time = {};
  RunResult result = RunResult::none;
  std::uint64_t tables_total = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t rows_copied = 0;
  std::uint64_t bytes_copied = 0;
  std::string consistency = {};  // "Snapshot" or "PerTable", once known
  // Of a copy: whether the source may hold a slot of this attempt or one before it. Nothing where an operator wrote the
  // status that did not remember it.
  std::optional<bool> may_hold_slot = {};
  // Of a copy: whether the target may hold what this attempt or one before it made. Nothing as above.
  std::optional<bool> may_hold_data = {};
  bool drops_data = false;  // of a release: and what was copied goes from the target
  std::vector<std::string> slots =
      {};                              // of a copy that is not complete, as far as its engines told; at most most_slots
  std::string slot_unheld_since = {};  // since when no engine has been at a copy that may hold one
  bool operator==(const Run&) const = default;
};

// What the engine of a stream said last. With several databases the lag and the positions are those of the one that is
// furthest behind.
struct SyncStatus {
  std::string method = {};
  std::string lag = {};  // "0s", "12m30s"; nothing while it is not known, like the next two
  std::optional<std::uint64_t> lag_bytes = {};
  std::optional<std::uint64_t> lag_seconds = {};
  std::string received_position = {};
  std::string applied_position = {};
  std::string last_transaction_time = {};            // commit time on the source of the last one that was applied
  std::optional<std::uint64_t> retained_bytes = {};  // of its log that the source keeps for the stream, if it is known
  std::vector<std::string> slots = {};               // at most most_slots
  std::uint64_t tables_stopped = 0;                  // that do not follow any more
  std::uint64_t tables_recopied = 0;                 // that are to follow again once they are copied
  std::uint64_t tables_not_streamed = 0;             // that are copied again every refreshInterval
  std::string observed_time = {};
  bool operator==(const SyncStatus&) const = default;
};

// What became of spec.recopy.
struct RecopyStatus {
  std::string request_id = {};
  std::uint64_t tables = 0;  // that it names, once the engine has looked
  std::uint64_t tables_copied = 0;
  std::string start_time = {};
  std::string completion_time = {};
  RunResult result = RunResult::none;
  std::string message = {};
  bool operator==(const RecopyStatus&) const = default;
};

enum class TableState { stopped, recopying, not_streamed, dropped };

// A table whose changes do not reach the target as they happen, and why.
struct TableStatus {
  std::string table = {};  // as spec.recopy.tables names it
  TableState state = TableState::stopped;
  std::string reason = {};
  bool operator==(const TableStatus&) const = default;
};

// How a comparison of both ends fares.
enum class VerifyState { none, pending, running, equal, mismatch, incomplete };
enum class VerifyTrigger { none, after_snapshot, schedule, request };

enum class MismatchKind { differs, missing, extra, sequence };

// A row, or a table whose rows are not listed, or a sequence, that is not the same on both ends.
struct Mismatch {
  std::string table = {};  // as spec.recopy.tables names it, or the sequence
  std::string key = {};    // of the row
  MismatchKind kind = MismatchKind::differs;
  std::vector<std::string> columns = {};  // at most most_columns
  bool operator==(const Mismatch&) const = default;
};

// What comparing both ends found, and the Job that does it. A mismatch stands until a comparison finds both ends equal
// or everything is copied anew.
struct VerifyStatus {
  VerifyState state = VerifyState::none;   // of the present or next comparison, or how the last one ended
  VerifyState result = VerifyState::none;  // equal, mismatch or incomplete: what stands, with all down to `mismatches`
  std::string time = {};                   // when that was found
  std::string position = {};               // of the source's log
  std::uint64_t tables_checked = 0;
  std::uint64_t tables_mismatched = 0;
  std::uint64_t tables_not_compared = 0;
  std::uint64_t rows = 0;
  std::vector<Mismatch> mismatches = {};  // at most most_mismatches
  std::string message = {};               // how the last comparison ended
  std::string request_id = {};            // of spec.verify, the last one that a Job was begun for
  std::string snapshot = {};              // the Job of a snapshot that is still to be compared
  std::string schedule = {};              // of spec.verify; another one counts anew
  std::string scheduled_since = {};       // its times up to this one are done, or stand for nothing
  // The present or last Job. Until its end is recorded it is begun again where it is gone.
  VerifyTrigger trigger = VerifyTrigger::none;
  std::string job_name = {};
  int attempt = 0;  // number of such Jobs so far
  int outages = 0;  // as of a Run, as is the next
  int crashes = 0;
  std::string start_time = {};
  std::string completion_time = {};
  bool operator==(const VerifyStatus&) const = default;
};

// Which version of a Secret the current or last engine was started with. Never a digest of the content: short passwords
// can be guessed from one.
struct CredentialVersion {
  std::string name = {};
  std::string uid = {};
  std::string resource_version = {};
  bool operator==(const CredentialVersion&) const = default;
};

// One thing that the engine found, in its own words.
struct FindingStatus {
  std::string severity = {};
  std::string code = {};
  std::string subject = {};
  std::string message = {};
  std::string hint = {};
  bool operator==(const FindingStatus&) const = default;
};

struct Status {
  std::int64_t observed_generation = 0;
  Phase phase = Phase::pending;
  std::string progress = {};  // "42%", empty before a copy
  std::vector<Condition> conditions = {};
  std::vector<DatabaseStatus> databases = {};  // at most most_databases, largest first
  std::optional<Run> validation = {};
  std::optional<Run> snapshot = {};
  std::optional<SyncStatus> sync = {};
  std::optional<Run> release = {};  // of slots and publications, after the stream of this snapshot
  std::optional<RecopyStatus> recopy = {};
  std::optional<VerifyStatus> verify = {};
  std::vector<TableStatus> not_streamed = {};  // at most most_not_streamed, those that stopped first
  std::vector<FindingStatus> findings = {};    // at most most_findings
  std::vector<CredentialVersion> credentials = {};
  bool operator==(const Status&) const = default;
};

inline constexpr std::size_t most_databases = 30;
inline constexpr std::size_t most_findings = 20;
inline constexpr std::size_t most_slots = 30;
inline constexpr std::size_t most_not_streamed = 30;
inline constexpr std::size_t most_mismatches = 20;
inline constexpr std::size_t most_columns = 16;

const char* word_of(Phase phase);
const char* word_of(Truth truth);
const char* word_of(VerifyTrigger trigger);
VerifyTrigger trigger_of(std::string_view word);
const char* word_of(MismatchKind kind);

}  // namespace tributary::v1alpha1
