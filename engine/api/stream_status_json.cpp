#include "engine/api/progress_json.h"
#include "engine/api/stream_status.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

// Nobody asks an engine: whether one streams is all that both ends tell. What lies behind a position that is lost is
// not known.
ordered_json write_seen(const StreamStatus& status) {
  ordered_json stream = write_stream(status.stream);
  stream["state"] = status.stream.state == StreamState::following ? "Following" : "NoEngine";
  if (status.problem.empty()) return stream;
  stream["state"] = "CannotGoOn";
  stream.erase("lagBytes");
  stream.erase("lagSeconds");
  return stream;
}

ordered_json write_status(const StreamStatus& status) {
  ordered_json json{{"database", status.database},     {"target", status.target},
                    {"stream", write_seen(status)},    {"tablesFollowed", status.followed},
                    {"tablesStopped", status.stopped}, {"tablesNotStreamed", status.not_streamed},
                    {"tablesRecopied", status.recopy}, {"tables", write_tables(status.tables)},
                    {"problem", status.problem},       {"hint", status.hint}};
  if (const auto& last = status.last_error)
    json["lastError"] = {{"time", last->time}, {"message", last->message}, {"hint", last->hint}};
  return json;
}

}  // namespace

std::string to_json(const std::vector<StreamStatus>& streams) {
  ordered_json databases = ordered_json::array();
  for (const StreamStatus& status : streams) databases.push_back(write_status(status));
  const ordered_json json = {{"version", 1}, {"databases", std::move(databases)}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace tributary::api
