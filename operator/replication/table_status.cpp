#include "operator/replication/table_status.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "engine/base/text.h"
#include "operator/replication/status.h"

namespace tributary::replication {
namespace {

using api::DatabaseProgress;
using v1alpha1::Phase;
using v1alpha1::RecopyStatus;
using v1alpha1::RunResult;
using v1alpha1::Spec;
using v1alpha1::Standing;
using v1alpha1::Status;
using v1alpha1::SyncStatus;
using v1alpha1::TableState;
using v1alpha1::TableStatus;
using v1alpha1::Verdict;

constexpr std::size_t longest_reason = 512;
constexpr std::size_t room = 3072;  // for names and reasons: a status is written often, and read by everybody

TableState state_of(const std::string& word) {
  if (word == "stopped") return TableState::stopped;
  if (word == "dropped") return TableState::dropped;
  return word == "recopy" ? TableState::recopying : TableState::not_streamed;
}

bool all_are_known(const api::Progress& progress) {
  const auto& databases = progress.databases;
  return !databases.empty() && std::all_of(databases.begin(), databases.end(), [](const DatabaseProgress& database) {
    return database.stream && database.stream->aside;
  });
}

// A part of an entry of spec.recopy.tables; the engine writes schema and table so itself.
std::string part_of_entry(const std::string& name) {
  if (name.find_first_of(".\"*") == std::string::npos) return name;
  std::string quoted = "\"";
  for (const char letter : name) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + '"';
}

std::vector<TableStatus> listed(const api::Progress& progress) {
  std::vector<TableStatus> tables;
  for (const DatabaseProgress& database : progress.databases) {
    for (const api::TableStatus& table : database.stream->aside->tables) {
      tables.push_back({entry_of(database.name, table.name), state_of(table.state),
                        first_bytes(one_line(table.reason), longest_reason, "...")});
    }
  }
  std::stable_sort(tables.begin(), tables.end(),
                   [](const TableStatus& a, const TableStatus& b) { return a.state < b.state; });
  std::size_t kept = 0;
  for (std::size_t used = 0; kept < std::min(tables.size(), v1alpha1::most_not_streamed); ++kept) {
    used += tables[kept].table.size() + tables[kept].reason.size();
    if (used > room) break;
  }
  tables.resize(kept);
  return tables;
}

// --- spec.recopy

std::string how_far(const RecopyStatus& recopy) {
  return std::to_string(recopy.tables_copied) + " of " + counted(recopy.tables, "table") + " copied again";
}

// What is being copied, and what is in its way.
std::string at_work(const api::Progress& progress) {
  for (const DatabaseProgress& database : progress.databases) {
    if (!database.stream || !database.stream->recopy) continue;
    const api::RecopyProgress& round = *database.stream->recopy;
    if (!round.error.empty()) return "; retrying: " + round.error;
    if (!round.table.empty())
      return "; now " + database.name + "." + round.table + ", " + bytes_text(rounded(round.bytes)) + " so far";
  }
  return "";
}

std::string why_failed(const RecopyStatus& recopy, const std::vector<std::string>& failures) {
  std::string message = how_far(recopy);
  for (const std::string& failure : failures) message += "; " + failure;
  return message;
}

bool under_way(const Status& status) {
  return status.recopy && status.recopy->result == RunResult::none;
}

// --- the verdict

std::string names_of_stopped(const Status& status) {
  constexpr std::size_t enough = 400;  // so that the rest of the message has room
  const std::uint64_t all = status.sync->tables_stopped;
  std::string text;
  std::size_t named = 0;
  for (const TableStatus& table : status.not_streamed) {
    if (table.state != TableState::stopped || text.size() > enough) break;
    text += (named == 0 ? "" : ", ") + table.table;
    if (named++ == 0 && !table.reason.empty()) text += " (" + first_bytes(table.reason, 300, "...") + ")";
  }
  if (all > named) text += " and " + std::to_string(all - named) + " more";
  return text;
}

Verdict stopped(const Status& status) {
  const std::uint64_t count = status.sync->tables_stopped;
  return {Standing::stalled, Phase::syncing, "TablesStopped",
          counted(count, "table") + (count == 1 ? " does" : " do") +
              " not follow the source any more, and the others go on: " + names_of_stopped(status) +
              " (hint: mend the cause, then name " + (count == 1 ? "it" : "them") +
              " in spec.recopy with another requestID; status.notStreamed has each reason)"};
}

std::uint64_t longest_recopy(const api::Progress& progress) {
  std::uint64_t longest = 0;
  for (const DatabaseProgress& database : progress.databases) {
    if (database.stream && database.stream->aside) longest = std::max(longest, database.stream->aside->recopy_seconds);
  }
  return longest;
}

Verdict recopying(const std::string& message) {
  return {Standing::progressing, Phase::syncing, "Recopying", message};
}

}  // namespace

std::string entry_of(const std::string& database, const std::string& table) {
  constexpr std::size_t longest = 256;
  return first_bytes(part_of_entry(database) + "." + table, longest);
}

void set_tables(Status& status, const api::Progress& progress) {
  if (!all_are_known(progress)) return;
  status.not_streamed = listed(progress);
  SyncStatus& sync = *status.sync;
  sync.tables_stopped = sync.tables_recopied = sync.tables_not_streamed = 0;
  for (const DatabaseProgress& database : progress.databases) {
    sync.tables_stopped += database.stream->aside->stopped;
    sync.tables_recopied += database.stream->aside->recopy;
    sync.tables_not_streamed += database.stream->aside->not_streamed;
  }
}

void open_recopy(Status& status, const Spec& spec, WallTime now) {
  const std::string& asked = spec.recopy.request_id;
  if (asked.empty() && under_way(status)) status.recopy.reset();
  if (asked.empty() || (status.recopy && status.recopy->request_id == asked)) return;
  status.recopy = RecopyStatus{.request_id = asked, .start_time = rfc3339(now), .message = "the engine is told of it"};
}

void set_recopy(Status& status, const api::Progress& progress, WallTime now) {
  if (!under_way(status) || !progress.request || progress.request->request_id != status.recopy->request_id) return;
  const api::RecopyRequest& said = *progress.request;
  RecopyStatus& recopy = *status.recopy;
  recopy.tables = said.tables;
  recopy.tables_copied = std::min(said.copied, said.tables);
  recopy.message = first_bytes(one_line(how_far(recopy) + at_work(progress)), v1alpha1::longest_message, "...");
  if (said.copied + said.stopped < said.tables) return;
  const bool failed = !said.failures.empty() || said.tables == 0;
  recopy.result = failed ? RunResult::failed : RunResult::succeeded;
  recopy.completion_time = rfc3339(now);
  recopy.message = first_bytes(one_line(why_failed(recopy, said.failures)), v1alpha1::longest_message, "...");
}

std::optional<Verdict> verdict_of_tables(const api::Progress& progress, const Status& status, const Spec& spec) {
  if (status.sync->tables_stopped > 0) return stopped(status);
  if (under_way(status)) return recopying("tables are copied again as spec.recopy asks: " + status.recopy->message);
  const auto limit = static_cast<std::uint64_t>(spec.sync.max_lag.count());
  if (limit == 0 || longest_recopy(progress) <= limit) return std::nullopt;
  return recopying(counted(status.sync->tables_recopied, "table") +
                   " will follow again when copied again, the others follow" + at_work(progress));
}

void add_not_streamed(const Status& status, std::string& message) {
  const std::uint64_t count = status.sync->tables_not_streamed;
  if (count == 0) return;
  message += "; " + counted(count, "table") + " cannot be streamed, which status.notStreamed names";
}

}  // namespace tributary::replication
