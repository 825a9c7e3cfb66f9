#include "engine/postgres/verify/comparison.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/verify/comparison_round.h"
#include "engine/postgres/verify/doubts.h"
#include "engine/postgres/verify/surroundings.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Both;

constexpr Milliseconds pause_between_moments{500};
constexpr int most_failures = 5;
constexpr int most_looks_at_doubts = 8;

// Those that the stream does not keep at the moment's position, and why.
Result<std::map<model::Name, std::string>> read_tables_aside(const UnderWay& way, moment::Moment& moment,
                                                             const Until& until) {
  std::map<model::Name, std::string> aside;
  if (way.options.key.empty()) return aside;
  std::set<model::Name> known;
  for (const FollowedTable& table : TRY(read_followed_tables(moment.target(), way.options.key, until))) {
    known.insert(table.name);
    if (table.state != FollowedTable::State::followed)
      aside[table.name] = "the stream does not keep it up to date: " + table.reason;
  }
  for (const model::Name& name : tables_of(way.plan))
    if (known.count(name) == 0) aside[name] = "the stream has not taken it up yet";
  return aside;
}

Result<std::unique_ptr<moment::Moment>> next_moment(const UnderWay& way, api::Verification& verification,
                                                    const Until& until) {
  way.board.say("waiting for one moment of both ends");
  moment::MomentEnds ends;
  ends.source = TRY(way.options.ends.source());
  ends.target = TRY(way.options.ends.target());
  ends.key = way.options.key;
  std::unique_ptr<moment::Moment> moment = TRY(moment::take_moment(ends, way.options.moments, until));
  ++verification.moments;
  verification.held_ms = std::max(verification.held_ms, static_cast<std::uint64_t>(moment->held().count()));
  if (moment->position()) verification.position = to_string(*moment->position());
  way.board.say("comparing");
  return moment;
}

// Again and again, until `is_done`; trouble that may pass is waited out a few times.
template <class IsDone, class Step>
Result<void> in_moments(const UnderWay& way, api::Verification& verification, const Until& until, IsDone&& is_done,
                        Step&& step) {
  int failures = 0;
  while (!is_done()) {
    const Result<void> ended = [&]() -> Result<void> {
      const std::unique_ptr<moment::Moment> moment = TRY(next_moment(way, verification, until));
      return step(*moment);
    }();
    failures = ended ? 0 : failures + 1;
    if (ended) continue;
    if (ended.error().fault != Fault::transient || failures == most_failures) return ended;
    log::warn("comparing again", {{"error", describe(ended.error())}});
    if (!pause_for(pause_between_moments, until.stop)) return ended;
  }
  return {};
}

Result<void> compare_all(const UnderWay& way, api::Verification& verification, const Until& until) {
  return in_moments(
      way, verification, until, [&] { return way.work.left() == 0; },
      [&](moment::Moment& moment) -> Result<void> {
        const std::map<model::Name, std::string> aside = TRY(read_tables_aside(way, moment, until));
        way.work.give_up(aside);
        return compare_ranges(way, moment, until);
      });
}

// One look at all rows that are in doubt.
Result<void> look_at_doubts(const UnderWay& way, const moment::Moment& moment,
                            std::map<std::size_t, std::vector<Doubt>>& doubts, const Until& until) {
  RangeComparison comparison(way.options, way.plan.dialect, moment, way.board);
  TRY(comparison.open(until));
  for (auto& [table, rows] : doubts) {
    std::vector<Doubt> left = TRY(comparison.look_again(way.work.table(table), std::move(rows), moment.exact(), until));
    way.work.settle(table, comparison.settled());
    rows = std::move(left);
  }
  std::erase_if(doubts, [](const auto& each) { return each.second.empty(); });
  return {};
}

Result<void> settle_doubts(const UnderWay& way, api::Verification& verification, const Until& until) {
  std::map<std::size_t, std::vector<Doubt>> doubts = way.work.doubts();
  int looks = 0;
  TRY(in_moments(
      way, verification, until, [&] { return doubts.empty() || looks == most_looks_at_doubts; },
      [&](moment::Moment& moment) -> Result<void> {
        ++looks;
        return look_at_doubts(way, moment, doubts, until);
      }));
  for (const auto& [table, rows] : doubts)
    way.work.give_up(table, counted(rows.size(), "row") + " differed and changed each time they were looked at");
  return {};
}

void add(const api::TableVerification& table, api::Verification& sum) {
  sum.rows += table.source_rows;
  const bool is_compared = table.result != api::Comparison::not_compared;
  ++(is_compared ? sum.tables_compared : sum.tables_not_compared);
  if (table.result == api::Comparison::different) ++sum.tables_different;
  sum.tables.push_back(table);
}

void show(const ComparisonOptions& options, ComparisonPlan& plan, pipeline::ProgressBoard& board) {
  std::vector<pipeline::ProgressBoard::TableSize> sizes;
  for (const Compared& table : plan.tables) sizes.push_back({table.result.name, table.pair.ends.source.bytes});
  const std::vector<pipeline::TableMeter*> meters = board.begin_database(options.database, sizes);
  for (std::size_t each = 0; each < plan.tables.size(); ++each) plan.tables[each].meter = meters[each];
}

// Repairs and values are of this process alone: what another has found does not help then.
Result<std::unique_ptr<KeptResults>> open_results(const ComparisonOptions& options, const Until& until) {
  if (options.run.empty() || options.repair || options.show_values) return std::unique_ptr<KeptResults>();
  return KeptResults::open(options.ends, options.run, options.restart, until);
}

}  // namespace

Result<void> compare_database(const ComparisonOptions& options, pipeline::ProgressBoard& board,
                              api::Verification& verification, const Until& until) {
  ComparisonPlan plan = TRY(make_plan(options, until));
  show(options, plan, board);
  board.say("comparing the schema");
  const std::vector<model::Name> tables = tables_of(plan);
  for (api::ObjectDifference& each : TRY(compare_structure(options, tables, until)))
    verification.structure.push_back(std::move(each));
  SequenceComparison sequences(options, tables);
  TRY(sequences.begin(until));
  const std::unique_ptr<KeptResults> kept = TRY(open_results(options, until));
  std::vector<KnownRange> known;
  if (kept) known = TRY(take_up(*kept, plan, until));
  Work work(plan.tables, plan.ranges);
  work.knows(known);
  const UnderWay way{options, plan, work, kept.get(), board};
  TRY(compare_all(way, verification, until));
  TRY(settle_doubts(way, verification, until));
  for (const api::TableVerification& table : work.results()) add(table, verification);
  board.say("comparing sequences");
  for (api::ObjectDifference& each : TRY(sequences.finish(until))) verification.sequences.push_back(std::move(each));
  return kept ? kept->forget(until) : Result<void>{};
}

}  // namespace tributary::postgres::verify
