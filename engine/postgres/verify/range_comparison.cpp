#include "engine/postgres/verify/range_comparison.h"

#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

// A refused statement ends its transaction, and with it the moment: back to here instead.
constexpr const char* savepoint = "SAVEPOINT range";
constexpr const char* back = "ROLLBACK TO SAVEPOINT range; RELEASE SAVEPOINT range";
constexpr const char* leaves_of_one = "SELECT relid::oid FROM pg_partition_tree($1::oid::regclass) WHERE isleaf";
constexpr std::size_t most_doubts = 20'000;

void recover(std::optional<Sessions>& sessions, const Until& until) {
  if (!sessions) return;
  for (Connection* const each : {&sessions->source, &sessions->target})
    if (each->usable()) static_cast<void>(each->execute(back, until));
}

}  // namespace

Result<void> RangeComparison::open(const Until& until) {
  sessions_.emplace(TRY(open_sessions_at(options_.ends, moment_.source_snapshot(), moment_.target_snapshot(), until)));
  return {};
}

Result<Sessions*> RangeComparison::aside(const Until& until) {
  if (!aside_)
    aside_.emplace(TRY(open_sessions_at(options_.ends, moment_.source_snapshot(), moment_.target_snapshot(), until)));
  return &*aside_;
}

Result<std::uint64_t> RangeComparison::count_source(const Compared& table, const Until& until) {
  const Rows rows =
      TRY(sessions_->source.query_row("SELECT count(*) FROM " + scanned(table.pair.ends.source), {}, until));
  return static_cast<std::uint64_t>(rows.integer(0, 0));
}

Result<void> RangeComparison::set_savepoint(const Until& until) {
  TRY(sessions_->source.execute(savepoint, until));
  return sessions_->target.execute(savepoint, until);
}

// A rewritten table looks empty to a snapshot that is older; the locks of the range's statements are still held.
Result<void> RangeComparison::require_unchanged(const Compared& table, const Until& until) {
  const auto look = [&](Connection& connection, const TableTraits& end) -> Result<void> {
    if (end.id == 0) return {};
    std::vector<std::uint32_t> ids{end.id};
    if (end.is_partitioned) {
      const Rows rows = TRY(connection.query(leaves_of_one, {std::to_string(end.id)}, until));
      ids.clear();
      for (int row = 0; row < rows.size(); ++row) ids.push_back(static_cast<std::uint32_t>(rows.integer(row, 0)));
    }
    const Result<std::optional<TableChange>> change = find_change(connection, ids, until);
    if (!change) return amid_changes(connection.sqlstate(), change.error());
    if (*change) return changed_meanwhile("table " + model::display((*change)->table), (*change)->how);
    return {};
  };
  TRY(look(sessions_->source, table.pair.ends.source));
  return look(sessions_->target, table.pair.ends.target);
}

// Nothing mends a table that has no place for all that its rows hold.
DifferenceLog RangeComparison::log_of(const Compared& table, api::TableVerification& found) {
  const auto open = [this](const Until& limit) { return aside(limit); };
  std::optional<RowRepairs> repairs;
  if (options_.repair && table.pair.missing.empty()) {
    const TakeRepair take = [this](const RepairStep& step) {
      has_repaired_ = true;
      return options_.repair(step);
    };
    repairs.emplace(table.pair, dialect_, moment_.exact(), take, open);
  }
  return DifferenceLog(table.pair, dialect_, found, options_.show_values, std::move(repairs), open);
}

Result<RangeFindings> RangeComparison::compare(const Compared& table, const Range& range, const Until& until) {
  has_repaired_ = false;
  TRY(set_savepoint(until));
  Result<RangeFindings> compared = compare_rows(table, range, until);
  if (compared) {
    const Result<void> same = require_unchanged(table, until);
    if (!same) compared = same.error();
  }
  if (!compared) aside_.reset();
  recover(sessions_, until);
  return compared;
}

Result<RangeFindings> RangeComparison::compare_rows(const Compared& table, const Range& range, const Until& until) {
  RangeFindings findings;
  api::TableVerification& sums = findings.sums;
  if (table.pair.ends.target.id == 0) {
    sums.source_rows = sums.missing = TRY(count_source(table, until));
    return findings;
  }
  DifferenceLog log = log_of(table, sums);
  const bool is_exact = moment_.exact();
  const auto add = [&](const tributary::verify::Found& found) -> Result<void> {
    if (is_exact) return log.add(found, until);
    if (findings.doubts.size() == most_doubts)
      return Error{Fault::failed, "more than " + std::to_string(most_doubts) +
                                      " rows differ, and no position of both ends could be had to compare them at"};
    findings.doubts.push_back({found});
    return {};
  };
  TableReader reader(*sessions_, table.pair, dialect_, [this] { board_.moved(); });
  const tributary::verify::RangeCounts counts =
      TRY(compare_range(reader, range.keys, identity_of(table.pair), add, until));
  TRY(log.finish(until));
  sums.source_rows = counts.rows.source;
  sums.target_rows = counts.rows.target;
  return findings;
}

Result<SecondLook> RangeComparison::look_again(const Compared& table, const std::vector<Doubt>& doubts,
                                               const Until& until) {
  has_repaired_ = false;
  TRY(set_savepoint(until));
  Result<SecondLook> looked = look_at_rows(table, doubts, until);
  if (!looked) aside_.reset();
  recover(sessions_, until);
  return looked;
}

Result<SecondLook> RangeComparison::look_at_rows(const Compared& table, const std::vector<Doubt>& doubts,
                                                 const Until& until) {
  SecondLook look;
  RowStates states = TRY(read_states(*sessions_, table.pair, dialect_, doubts, until));
  DifferenceLog log = log_of(table, look.settled);
  for (Doubt doubt : doubts) {
    const tributary::verify::Both<RowState>& now = states[state_key(doubt.found, table.pair)];
    const Answer answer = judge(doubt, now, moment_.exact());
    if (answer == Answer::different) TRY(log.add(found_now(doubt, now, !table.pair.key.empty()), until));
    if (answer != Answer::unknown) continue;
    doubt.seen = now;
    look.left.push_back(std::move(doubt));
  }
  TRY(log.finish(until));
  return look;
}

}  // namespace tributary::postgres::verify
