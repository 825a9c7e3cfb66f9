#pragma once

#include <cstdint>
#include <optional>

#include "engine/api/progress.h"

// How far a target is behind, exactly as its engine said it. All pure.
namespace tributary::replication {

// Whether every database's stream follows: only then the lag is known.
bool lag_is_known(const api::Progress& progress);

// The stream that is furthest behind; nothing where none is there.
const api::StreamProgress* furthest_of(const api::Progress& progress);

// The most that the source keeps of its log for one of the slots: they keep the same log, which is not kept twice.
std::optional<std::uint64_t> retained_of(const api::Progress& progress);

// What is told of an engine in figures; absent where it is not known.
struct Figures {
  std::optional<std::uint64_t> lag_seconds = {};
  std::optional<std::uint64_t> lag_bytes = {};
  std::optional<std::uint64_t> retained_bytes = {};
  std::optional<std::uint64_t> rows_copied = {};  // by a copy under way
};
Figures figures_of(const api::Progress& progress);

}  // namespace tributary::replication
