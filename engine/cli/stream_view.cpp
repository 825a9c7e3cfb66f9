#include "engine/cli/stream_view.h"

#include <cstdlib>

#include "engine/base/counted.h"
#include "engine/base/hint.h"
#include "engine/cli/table.h"
#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

std::string state_text(const api::StreamStatus& status) {
  if (!status.problem.empty()) return "cannot go on";
  return status.stream.state == api::StreamState::following ? "following" : "no engine";
}

std::string tables_text(const api::StreamStatus& status) {
  std::string text = count_text(status.followed) + " followed";
  if (status.stopped > 0) text += ", " + count_text(status.stopped) + " stopped";
  if (status.not_streamed > 0) text += ", " + count_text(status.not_streamed) + " not streamed";
  if (status.recopy > 0) text += ", " + count_text(status.recopy) + " copied again";
  return text;
}

std::string table_state_text(const std::string& state) {
  if (state == "not_streamed") return "not streamed";
  return state == "recopy" ? "to be copied again" : state;
}

std::string recopy_text(const api::StreamProgress& stream) {
  if (!stream.recopy) return "";
  const std::string error = stream.recopy->error.empty() ? "" : " (retrying: " + printable(stream.recopy->error) + ")";
  return "; copying again " + counted(stream.recopy->tables, "table") + ", " + bytes_text(stream.recopy->bytes) + error;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string retained_text(const api::StreamProgress& stream) {
  return stream.retained_bytes ? bytes_text(*stream.retained_bytes) : "-";
}

}  // namespace

std::string lag_text(const api::StreamProgress& stream) {
  if (stream.lag_bytes == 0) return "nothing";
  const std::string bytes = bytes_text(stream.lag_bytes);
  return stream.lag_seconds == 0 ? bytes : bytes + ", " + count_text(stream.lag_seconds) + " s";
}

std::string stream_line(const api::DatabaseProgress& database) {
  const api::StreamProgress& stream = *database.stream;
  const std::string name = "database " + printable(database.name) + ": ";
  if (!stream.error.empty()) return name + "retrying: " + printable(stream.error);
  switch (stream.state) {
    case api::StreamState::connecting:
      return name + "connecting";
    case api::StreamState::following:
      return name + "lacking " + lag_text(stream) + ", " + counted(stream.transactions, "transaction") + " applied" +
             recopy_text(stream);
    case api::StreamState::holding:
      return name + "holding, the source keeps " + retained_text(stream) + " for it";
  }
  std::abort();
}

std::string streams_text(const std::vector<api::StreamStatus>& streams, const Style& style) {
  Table databases({"DATABASE", "TARGET", "STATE", "LAG", "APPLIED", "LAST TRANSACTION", "SLOT", "RETAINED", "TABLES"});
  Table tables({"TABLE", "STATE", "REASON"});
  std::string problems;
  for (const api::StreamStatus& status : streams) {
    const api::StreamProgress& stream = status.stream;
    const bool knows_lag = !stream.applied.empty() && status.problem.empty();
    databases.add({status.database, status.target, state_text(status), knows_lag ? lag_text(stream) : "-",
                   or_dash(stream.applied), or_dash(stream.last_transaction), or_dash(stream.slot),
                   retained_text(stream), tables_text(status)});
    for (const api::TableStatus& table : status.tables)
      tables.add({status.database + "." + table.name, table_state_text(table.state), table.reason});
    const std::string database = "database " + printable(status.database) + ": ";
    if (!status.problem.empty()) {
      problems += database + printable(with_hint(status.problem, status.hint)) + "\n";
    } else if (const auto& last = status.last_error) {
      problems += database + "the engine ended at " + printable(last->time) + ": " +
                  printable(with_hint(last->message, last->hint)) + "\n";
    }
  }
  std::string text = databases.text(style.width);
  if (!tables.empty()) text += "\n" + tables.text(style.width);
  if (!problems.empty()) text += "\n" + problems;
  return text;
}

}  // namespace tributary::cli
