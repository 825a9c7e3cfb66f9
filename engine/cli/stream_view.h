#pragma once

#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "engine/api/stream_status.h"
#include "engine/cli/terminal.h"

// Streams as text for a person. Pure.
namespace tributary::cli {

// "nothing" or "12 MB, 3 s": what the target lacks.
std::string lag_text(const api::StreamProgress& stream);

// What the stream of one database does, in one line. `database.stream` is given.
std::string stream_line(const api::DatabaseProgress& database);

// A table of the databases, one of the tables that do not follow, and what keeps a stream from going on.
std::string streams_text(const std::vector<api::StreamStatus>& streams, const Style& style);

}  // namespace tributary::cli
