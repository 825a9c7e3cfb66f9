#include "engine/postgres/verify/comparison_round.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/contain.h"

namespace tributary::postgres::verify {
namespace {

constexpr int most_tries = 5;

Result<void> compare(const UnderWay& way, RangeComparison& comparison, Range range, const Until& until) {
  const Compared& table = way.work.table(range.table);
  way.board.started(*table.meter);
  const Result<RangeFindings> found = contain([&] { return comparison.compare(table, range, until); });
  way.board.stopped(*table.meter);
  if (found) {
    way.board.add(*table.meter, found->sums.source_rows, range.bytes);
    if (way.work.done(range, found->sums, found->doubts)) way.board.done(*table.meter);
    const bool is_equal = found->sums.differing + found->sums.missing + found->sums.extra == 0;
    if (way.kept != nullptr && is_equal && found->doubts.empty())
      way.kept->record(table.subject.name, range.number, found->sums, until);
    return {};
  }
  const Fault fault = found.error().fault;
  const bool may_pass = fault == Fault::cancelled || fault == Fault::transient || !comparison.usable();
  if (may_pass && ++range.tries < most_tries && !comparison.has_repaired()) {
    way.work.put_back(std::move(range));
  } else {
    way.work.give_up(range.table, describe(found.error()));
    way.board.done(*table.meter);
  }
  return fault == Fault::cancelled || !comparison.usable() ? Result<void>{found.error()} : Result<void>{};
}

Result<void> work_through(const UnderWay& way, const moment::Moment& moment, const Deadline& enough,
                          const Until& until) {
  RangeComparison comparison(way.options, way.plan.dialect, moment, way.board);
  TRY(comparison.open(until));
  while (!enough.passed()) {
    std::optional<Range> range = way.work.take();
    if (!range) return {};
    TRY(compare(way, comparison, std::move(*range), until));
  }
  return {};
}

}  // namespace

Result<void> compare_ranges(const UnderWay& way, const moment::Moment& moment, const Until& until) {
  const Deadline enough = Deadline::after(way.options.moment_age);
  way.work.begin_moment();
  std::vector<Result<void>> ended(
      std::min(way.work.left(), static_cast<std::size_t>(std::max(way.options.parallelism, 1))));
  {
    std::vector<std::jthread> threads;
    for (Result<void>& each : ended)
      threads.emplace_back([&] { each = contain([&] { return work_through(way, moment, enough, until); }); });
  }
  if (way.kept != nullptr) way.kept->flush(until);
  const auto is_cancelled = [](const Result<void>& each) { return !each && each.error().fault == Fault::cancelled; };
  const auto stopped = std::find_if(ended.begin(), ended.end(), is_cancelled);
  if (stopped != ended.end()) return *stopped;
  if (std::any_of(ended.begin(), ended.end(), [](const Result<void>& each) { return each.ok(); })) return {};
  return ended.empty() ? Result<void>{} : ended.front();
}

}  // namespace tributary::postgres::verify
