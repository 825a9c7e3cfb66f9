#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/progress.h"

// How the streams of a replication stand, as both ends say it, whoever runs the engine: what `status` prints. Values
// only.
namespace tributary::api {

// Why the engine ended that followed last, unless its stream has moved on since.
struct LastError {
  std::string time;  // RFC 3339
  std::string message;
  std::string hint;
};

struct StreamStatus {
  std::string database;
  std::string target;
  StreamProgress stream;       // state: whether an engine streams now; its counters are its own and 0 here
  std::uint64_t followed = 0;  // tables
  std::uint64_t stopped = 0;
  std::uint64_t not_streamed = 0;
  std::uint64_t recopy = 0;         // to be copied again, or at it
  std::vector<TableStatus> tables;  // the last three, at most 1000 of them
  std::string problem;              // why the stream cannot go on, or ""
  std::string hint;
  std::optional<LastError> last_error = {};
};

std::string to_json(const std::vector<StreamStatus>& streams);

}  // namespace tributary::api
