#include "engine/api/progress_json.h"
#include "engine/api/json_reader.h"
#include "engine/api/progress.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

const Words<Phase> phase_words = {
    {"Starting", Phase::starting},   {"Waiting", Phase::waiting},     {"Validating", Phase::validating},
    {"Preparing", Phase::preparing}, {"Copying", Phase::copying},     {"Indexing", Phase::indexing},
    {"Finishing", Phase::finishing}, {"Following", Phase::following}, {"Comparing", Phase::comparing},
    {"Done", Phase::done},           {"Failed", Phase::failed}};

const Words<StreamState> stream_words = {
    {"Connecting", StreamState::connecting}, {"Following", StreamState::following}, {"Holding", StreamState::holding}};

ordered_json write_table(const TableProgress& table) {
  return {{"name", table.name},
          {"rows", table.rows},
          {"bytes", table.bytes},
          {"bytesTotal", table.bytes_total},
          {"done", table.done}};
}

ordered_json write_recopy(const RecopyProgress& recopy) {
  return {{"tables", recopy.tables}, {"tablesCopied", recopy.tables_copied},
          {"table", recopy.table},   {"rows", recopy.rows},
          {"bytes", recopy.bytes},   {"error", recopy.error}};
}

ordered_json write_aside(const TablesAside& aside) {
  return {{"stopped", aside.stopped},
          {"recopy", aside.recopy},
          {"notStreamed", aside.not_streamed},
          {"recopySeconds", aside.recopy_seconds},
          {"tables", write_tables(aside.tables)}};
}

ordered_json write_request(const RecopyRequest& request) {
  return {{"requestID", request.request_id},
          {"tables", request.tables},
          {"copied", request.copied},
          {"stopped", request.stopped},
          {"failures", request.failures}};
}

}  // namespace

const Words<Checks> checks_words = {{"NotPassed", Checks::not_passed}, {"Passed", Checks::passed}};

ordered_json write_tables(const std::vector<TableStatus>& tables) {
  ordered_json list = ordered_json::array();
  for (const TableStatus& table : tables)
    list.push_back({{"name", table.name}, {"state", table.state}, {"reason", table.reason}});
  return list;
}

ordered_json write_stream(const StreamProgress& stream) {
  ordered_json json = {{"state", word_of(stream.state)},
                       {"lagBytes", stream.lag_bytes},
                       {"lagSeconds", stream.lag_seconds},
                       {"received", stream.received},
                       {"applied", stream.applied},
                       {"lastTransaction", stream.last_transaction},
                       {"transactions", stream.transactions},
                       {"changes", stream.changes},
                       {"error", stream.error},
                       {"slot", stream.slot}};
  if (stream.retained_bytes) json["retainedBytes"] = *stream.retained_bytes;
  if (stream.recopy) json["recopy"] = write_recopy(*stream.recopy);
  if (stream.aside) json["aside"] = write_aside(*stream.aside);
  return json;
}

namespace {

ordered_json write_database(const DatabaseProgress& database) {
  ordered_json active = ordered_json::array();
  for (const TableProgress& table : database.active) active.push_back(write_table(table));
  ordered_json json = {{"name", database.name},
                       {"tablesTotal", database.tables_total},
                       {"tablesDone", database.tables_done},
                       {"rowsCopied", database.rows_copied},
                       {"bytesCopied", database.bytes_copied},
                       {"bytesTotal", database.bytes_total},
                       {"active", std::move(active)}};
  if (database.stream) json["stream"] = write_stream(*database.stream);
  return json;
}

void read_table(JsonReader& in, TableProgress& table) {
  in.read("name", table.name)
      .read("rows", table.rows)
      .read("bytes", table.bytes)
      .read("bytesTotal", table.bytes_total)
      .read("done", table.done);
}

void read_recopy(JsonReader& in, RecopyProgress& recopy) {
  in.read("tables", recopy.tables)
      .read("tablesCopied", recopy.tables_copied)
      .read("table", recopy.table)
      .read("rows", recopy.rows)
      .read("bytes", recopy.bytes)
      .read("error", recopy.error);
}

void read_aside(JsonReader& in, TablesAside& aside) {
  const auto read_one = [](JsonReader& inner, TableStatus& table) {
    inner.read("name", table.name).read("state", table.state).read("reason", table.reason);
  };
  in.read("stopped", aside.stopped)
      .read("recopy", aside.recopy)
      .read("notStreamed", aside.not_streamed)
      .read("recopySeconds", aside.recopy_seconds)
      .read_list("tables", aside.tables, read_one);
}

void read_request(JsonReader& in, RecopyRequest& request) {
  in.read("requestID", request.request_id)
      .read("tables", request.tables)
      .read("copied", request.copied)
      .read("stopped", request.stopped)
      .read("failures", request.failures);
}

void read_stream(JsonReader& in, StreamProgress& stream) {
  in.read_word("state", stream.state, stream_words)
      .read("lagBytes", stream.lag_bytes)
      .read("lagSeconds", stream.lag_seconds)
      .read("received", stream.received)
      .read("applied", stream.applied)
      .read("lastTransaction", stream.last_transaction)
      .read("transactions", stream.transactions)
      .read("changes", stream.changes)
      .read("error", stream.error)
      .read("slot", stream.slot)
      .read("retainedBytes", stream.retained_bytes)
      .read_object("recopy", [&](JsonReader& recopy) { read_recopy(recopy, stream.recopy.emplace()); })
      .read_object("aside", [&](JsonReader& aside) { read_aside(aside, stream.aside.emplace()); });
}

void read_database(JsonReader& in, DatabaseProgress& database) {
  in.read("name", database.name)
      .read("tablesTotal", database.tables_total)
      .read("tablesDone", database.tables_done)
      .read("rowsCopied", database.rows_copied)
      .read("bytesCopied", database.bytes_copied)
      .read("bytesTotal", database.bytes_total)
      .read_list("active", database.active, read_table)
      .read_object("stream", [&](JsonReader& stream) { read_stream(stream, database.stream.emplace()); });
}

}  // namespace

const char* word_of(Phase phase) {
  return word_for(phase_words, phase);
}

const char* word_of(StreamState state) {
  return word_for(stream_words, state);
}

std::string to_json(const Progress& progress) {
  ordered_json databases = ordered_json::array();
  for (const DatabaseProgress& database : progress.databases) databases.push_back(write_database(database));
  ordered_json json = {{"version", progress.version},      {"replication", progress.replication},
                       {"phase", word_of(progress.phase)}, {"message", progress.message},
                       {"percent", progress.percent},      {"started", progress.started},
                       {"updated", progress.updated},      {"databases", std::move(databases)}};
  if (progress.checks != Checks::unknown) json["checks"] = word_for(checks_words, progress.checks);
  if (progress.request) json["recopyRequest"] = write_request(*progress.request);
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Progress> progress_from_json(std::string_view text) {
  Progress progress;
  JsonReader in(text, "progress", UnknownKeys::ignore);
  in.read("version", progress.version)
      .read("replication", progress.replication)
      .read_word("phase", progress.phase, phase_words)
      .read_word("checks", progress.checks, checks_words)
      .read("message", progress.message)
      .read("percent", progress.percent)
      .read("started", progress.started)
      .read("updated", progress.updated)
      .read_list("databases", progress.databases, read_database)
      .read_object("recopyRequest", [&](JsonReader& request) { read_request(request, progress.request.emplace()); });
  TRY(in.finish());
  return progress;
}

}  // namespace tributary::api
