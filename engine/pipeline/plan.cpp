#include "engine/pipeline/plan.h"

#include <algorithm>
#include <numeric>

namespace tributary::pipeline {
namespace {

// An empty table is work too.
constexpr std::uint64_t least_bytes = 8192;

std::uint64_t weight(const model::Table& table) {
  return std::max(table.bytes, least_bytes);
}

int parts_of(const model::Table& table, std::uint64_t total, const PlanLimits& limits) {
  if (!limits.splits_tables || limits.streams < limits.streams_to_split || table.pages < 2) return 1;
  const std::uint64_t share = total / static_cast<std::uint64_t>(limits.streams);
  if (table.bytes <= share + share / 4 || table.bytes < 2 * limits.smallest_part) return 1;
  const std::uint64_t by_size = table.bytes / limits.smallest_part;
  const auto most = std::min<std::uint64_t>({by_size, table.pages, static_cast<std::uint64_t>(limits.streams)});
  return static_cast<int>(most);
}

std::vector<Batch> split(const model::Table& table, std::size_t index, int parts) {
  std::vector<Batch> batches;
  const auto of = static_cast<std::uint64_t>(parts);
  for (std::uint64_t number = 0; number < of; ++number) {
    model::CopyPart part{index, static_cast<int>(number), parts};
    part.bytes = weight(table) / of;
    if (parts > 1) {
      part.first_page = table.pages * number / of;
      part.end_page = number + 1 == of ? 0 : table.pages * (number + 1) / of;  // the last takes what was added since
    }
    batches.push_back({{part}, part.bytes});
  }
  return batches;
}

bool fits(const Batch& batch, const model::CopyPart& part, const PlanLimits& limits) {
  return batch.parts.size() < limits.batch_tables && batch.bytes + part.bytes <= limits.batch_bytes;
}

}  // namespace

std::vector<Batch> plan_copy(const std::vector<model::Table>& tables, const std::vector<bool>& kept,
                             const PlanLimits& limits) {
  std::vector<std::size_t> order;
  std::uint64_t total = 0;
  for (std::size_t index = 0; index < tables.size(); ++index) {
    if (kept[index]) continue;
    order.push_back(index);
    total += weight(tables[index]);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return weight(tables[left]) > weight(tables[right]); });

  std::vector<Batch> batches;
  Batch small;
  for (const std::size_t index : order) {
    std::vector<Batch> own = split(tables[index], index, parts_of(tables[index], total, limits));
    if (own.size() > 1 || own.front().bytes >= limits.small_table) {
      batches.insert(batches.end(), own.begin(), own.end());
      continue;
    }
    const model::CopyPart& part = own.front().parts.front();
    if (!small.parts.empty() && !fits(small, part, limits)) {
      batches.push_back(std::move(small));
      small = {};
    }
    small.parts.push_back(part);
    small.bytes += part.bytes;
  }
  if (!small.parts.empty()) batches.push_back(std::move(small));
  std::stable_sort(batches.begin(), batches.end(),
                   [](const Batch& left, const Batch& right) { return left.bytes > right.bytes; });
  return batches;
}

}  // namespace tributary::pipeline
