#include "engine/postgres/verify/work.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/postgres/verify/first_rows.h"

namespace tributary::postgres::verify {
namespace {

void add(api::TableVerification& sum, const api::TableVerification& range) {
  sum.source_rows += range.source_rows;
  sum.target_rows += range.target_rows;
  sum.differing += range.differing;
  sum.missing += range.missing;
  sum.extra += range.extra;
  sum.kept_rows += range.kept_rows;
  keep_earliest(sum.kept_since, range.kept_since);
  sum.rows.insert(sum.rows.end(), range.rows.begin(), range.rows.end());
  keep_first(sum.rows);
}

// What was said before it was read stays.
void judge(api::TableVerification& table) {
  if (!table.reason.empty()) return;
  const bool is_equal = table.differing + table.missing + table.extra == 0;
  table.result = is_equal ? api::Comparison::equal : api::Comparison::different;
}

}  // namespace

void keep_earliest(std::string& since, const std::string& other) {
  if (!other.empty() && (since.empty() || other < since)) since = other;
}

Work::Work(std::vector<Compared> tables, std::vector<Range> ranges)
    : tables_(std::move(tables)), ranges_(ranges.begin(), ranges.end()) {
  std::stable_sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.bytes > b.bytes; });
  for (const Range& range : ranges_) ++tables_[range.table].ranges_left;
}

std::optional<Range> Work::take() {
  const std::lock_guard lock(mutex_);
  if (ranges_.empty()) return std::nullopt;
  Range range = std::move(ranges_.front());
  ranges_.pop_front();
  return range;
}

void Work::put_back(Range range) {
  const std::lock_guard lock(mutex_);
  if (tables_[range.table].ranges_left > 0) later_.push_back(std::move(range));
}

void Work::begin_moment() {
  const std::lock_guard lock(mutex_);
  std::move(later_.begin(), later_.end(), std::back_inserter(ranges_));
  later_.clear();
}

std::size_t Work::left() const {
  const std::lock_guard lock(mutex_);
  return ranges_.size() + later_.size();
}

bool Work::done(const Range& range, const api::TableVerification& found, const std::vector<Doubt>& doubts) {
  const std::lock_guard lock(mutex_);
  Compared& table = tables_[range.table];
  if (table.ranges_left == 0) return false;  // it was given up meanwhile
  add(table.result, found);
  table.doubts.insert(table.doubts.end(), doubts.begin(), doubts.end());
  if (--table.ranges_left > 0) return false;
  judge(table.result);
  return true;
}

std::vector<std::size_t> Work::knows(const std::vector<KnownRange>& known) {
  std::vector<std::size_t> finished;
  for (const KnownRange& each : known) {
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(ranges_, [&](const Range& range) {
        return range.table == each.range.table && range.number == each.range.number;
      });
    }
    if (done(each.range, each.found)) finished.push_back(each.range.table);
  }
  return finished;
}

void Work::disclaim(const std::map<model::Name, std::string>& reasons) {
  const std::lock_guard lock(mutex_);
  for (Compared& table : tables_) {
    for (const model::Name& name : table.subject.tables) {
      const auto reason = reasons.find(name);
      if (reason != reasons.end()) drop(table, reason->second);
    }
  }
}

std::map<std::size_t, std::vector<Doubt>> Work::doubts() const {
  const std::lock_guard lock(mutex_);
  std::map<std::size_t, std::vector<Doubt>> doubts;
  for (std::size_t each = 0; each < tables_.size(); ++each)
    if (tables_[each].result.result != api::Comparison::not_compared && !tables_[each].doubts.empty())
      doubts[each] = tables_[each].doubts;
  return doubts;
}

void Work::settle(std::size_t table, const api::TableVerification& found, bool is_last) {
  const std::lock_guard lock(mutex_);
  add(tables_[table].result, found);
  judge(tables_[table].result);
  if (is_last) tables_[table].doubts.clear();
}

void Work::give_up(std::size_t table, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  drop(tables_[table], reason);
  forget_dropped();
}

// Call both with the mutex held.
void Work::drop(Compared& table, const std::string& reason) {
  table.result = {.database = table.result.database, .name = table.result.name, .reason = reason};
  table.ranges_left = 0;
  table.doubts.clear();
}

void Work::forget_dropped() {
  const auto is_dropped = [&](const Range& range) { return tables_[range.table].ranges_left == 0; };
  std::erase_if(ranges_, is_dropped);
  std::erase_if(later_, is_dropped);
}

void Work::give_up(const std::map<model::Name, std::string>& reasons) {
  const std::lock_guard lock(mutex_);
  for (Compared& table : tables_) {
    for (const model::Name& name : table.subject.tables) {
      const auto reason = reasons.find(name);
      // What was compared at an earlier moment, and settled, stays so.
      if (reason != reasons.end() && (table.ranges_left > 0 || !table.doubts.empty())) drop(table, reason->second);
    }
  }
  forget_dropped();
}

std::vector<api::TableVerification> Work::results() const {
  const std::lock_guard lock(mutex_);
  std::vector<api::TableVerification> results;
  for (const Compared& table : tables_) results.push_back(table.result);
  return results;
}

}  // namespace tributary::postgres::verify
