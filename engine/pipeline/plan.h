#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/table.h"

// In which order and in which pieces the rows of a database travel. Pure.
namespace tributary::pipeline {

// One transaction on the target: one part of a large table, or several small tables whole.
struct Batch {
  std::vector<model::CopyPart> parts;
  std::uint64_t bytes = 0;  // estimate
};

struct PlanLimits {
  int streams = 1;
  bool splits_tables = false;                  // the source reads ranges of pages without scanning the rest
  std::uint64_t small_table = 4U << 20;        // below it tables share a batch of
  std::uint64_t batch_bytes = 16U << 20;       // at most this
  std::size_t batch_tables = 50;               // and at most so many
  std::uint64_t smallest_part = 256ULL << 20;  // of a table that is split
  int streams_to_split = 3;
};

// Biggest first. Splitting costs a table its FREEZE (a VACUUM later) and gains only where a single table would keep
// one stream busy after all others ran dry: a table is split when it exceeds an even share of all bytes and there
// are streams enough. `kept` marks tables that need no copy.
std::vector<Batch> plan_copy(const std::vector<model::Table>& tables, const std::vector<bool>& kept,
                             const PlanLimits& limits);

}  // namespace tributary::pipeline
