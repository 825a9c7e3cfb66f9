#include "operator/replication/lag.h"

#include <algorithm>
#include <utility>

namespace tributary::replication {
namespace {

using api::DatabaseProgress;
using api::StreamState;

bool copies_rows(api::Phase phase) {
  return phase >= api::Phase::copying && phase <= api::Phase::finishing;
}

}  // namespace

bool lag_is_known(const api::Progress& progress) {
  const auto& databases = progress.databases;
  return progress.phase == api::Phase::following && !databases.empty() &&
         std::all_of(databases.begin(), databases.end(), [](const DatabaseProgress& database) {
           return database.stream && database.stream->state == StreamState::following;
         });
}

const api::StreamProgress* furthest_of(const api::Progress& progress) {
  const auto behind = [](const api::StreamProgress& stream) { return std::pair(stream.lag_seconds, stream.lag_bytes); };
  const api::StreamProgress* found = nullptr;
  for (const DatabaseProgress& database : progress.databases) {
    if (!database.stream || database.stream->state == StreamState::connecting) continue;
    if (found == nullptr || behind(*database.stream) > behind(*found)) found = &*database.stream;
  }
  return found;
}

std::optional<std::uint64_t> retained_of(const api::Progress& progress) {
  std::optional<std::uint64_t> most;
  for (const DatabaseProgress& database : progress.databases) {
    if (!database.stream || !database.stream->retained_bytes) continue;
    most = std::max(most.value_or(0), *database.stream->retained_bytes);
  }
  return most;
}

Figures figures_of(const api::Progress& progress) {
  Figures figures{.retained_bytes = retained_of(progress)};
  if (lag_is_known(progress)) {
    const api::StreamProgress& stream = *furthest_of(progress);
    figures.lag_seconds = stream.lag_seconds;
    figures.lag_bytes = stream.lag_bytes;
  }
  if (copies_rows(progress.phase)) {
    figures.rows_copied = 0;
    for (const DatabaseProgress& database : progress.databases) *figures.rows_copied += database.rows_copied;
  }
  return figures;
}

}  // namespace tributary::replication
