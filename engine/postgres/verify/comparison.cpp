#include "engine/postgres/verify/comparison.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "engine/base/counted.h"
#include "engine/base/text.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/verify/comparison_round.h"
#include "engine/postgres/verify/doubts.h"
#include "engine/postgres/verify/large_objects.h"
#include "engine/postgres/verify/surroundings.h"

namespace tributary::postgres::verify {
namespace {

constexpr int most_looks_at_doubts = 8;

constexpr const char* rights_beside_a_stream =
    "beside a stream the target's role also needs INSERT, UPDATE and DELETE on _tributary.hold: grant them, or take "
    "the "
    "role of the copy";

constexpr const char* leaves_below =
    "SELECT rn.nspname, r.relname, n.nspname, c.relname FROM unnest($1::oid[]) AS wanted(root)"
    " JOIN pg_class r ON r.oid = wanted.root JOIN pg_namespace rn ON rn.oid = r.relnamespace"
    " CROSS JOIN LATERAL pg_partition_tree(wanted.root) AS t JOIN pg_class c ON c.oid = t.relid AND t.isleaf"
    " JOIN pg_namespace n ON n.oid = c.relnamespace";

// What lies below the partitioned tables by now, which may be more than when the plan was made.
Result<std::vector<std::pair<model::Name, model::Name>>> read_leaves(const UnderWay& way, Connection& source,
                                                                     const Until& until) {
  std::vector<std::string> ids;
  for (const Compared& table : way.plan.tables)
    if (table.pair.ends.source.is_partitioned) ids.push_back(std::to_string(table.pair.ends.source.id));
  const Rows rows = TRY(source.query(leaves_below, {array_literal(ids)}, until));
  std::vector<std::pair<model::Name, model::Name>> leaves;
  for (int row = 0; row < rows.size(); ++row)
    leaves.push_back({{rows.str(row, 0), rows.str(row, 1)}, {rows.str(row, 2), rows.str(row, 3)}});
  return leaves;
}

// Tables that the stream does not keep at the moment's position, and why.
Result<std::map<model::Name, std::string>> find_unkept(const UnderWay& way, moment::Moment& moment,
                                                       const Until& until) {
  std::map<model::Name, std::string> unkept;
  if (way.options.key.empty()) return unkept;
  std::set<model::Name> known;
  for (const FollowedTable& table : TRY(read_followed_tables(moment.target(), way.options.key, until))) {
    known.insert(table.name);
    if (table.state != FollowedTable::State::followed)
      unkept[table.name] = "the stream does not keep it up to date: " + table.reason;
  }
  const std::string not_yet = "the stream has not taken it up yet";
  for (const model::Name& name : tables_of(way.plan))
    if (known.count(name) == 0) unkept[name] = not_yet;
  std::map<model::Name, const Compared*> roots;
  for (const Compared& table : way.plan.tables) roots[table.subject.name] = &table;
  for (const auto& [root, leaf] : TRY(read_leaves(way, moment.source(), until))) {
    if (known.count(leaf) != 0 || roots.count(root) == 0) continue;
    for (const model::Name& name : roots.at(root)->subject.tables)
      unkept.try_emplace(name, "partition " + model::display(leaf) + ": " + not_yet);
  }
  return unkept;
}

Result<std::unique_ptr<moment::Moment>> next_moment(const UnderWay& way, api::Verification& verification,
                                                    const Until& until) {
  way.board.show(api::Phase::comparing, "waiting for one moment of both ends");
  if (way.kept != nullptr) way.kept->begin_moment(until);
  moment::MomentEnds ends;
  ends.source = TRY(way.options.ends.source());
  ends.target = TRY(way.options.ends.target());
  ends.key = way.options.key;
  auto taken = moment::take_moment(ends, way.options.moments, until);
  if (!taken && taken.error().fault == Fault::denied)
    return Error{Fault::denied, taken.error().what, rights_beside_a_stream};
  std::unique_ptr<moment::Moment> moment = TRY(std::move(taken));
  ++verification.moments;
  verification.held_ms = std::max(verification.held_ms, static_cast<std::uint64_t>(moment->held().count()));
  if (moment->position()) verification.position = to_string(*moment->position());
  way.board.show(api::Phase::comparing, "comparing");
  return moment;
}

// Again and again, until `is_done`; an end that is away is waited for.
template <class IsDone, class Step>
Result<void> in_moments(const UnderWay& way, api::Verification& verification, const Until& until, IsDone&& is_done,
                        Step&& step) {
  Retry retry(way.options.retries, way.board);
  while (!is_done()) {
    const Result<void> ended = [&]() -> Result<void> {
      const std::unique_ptr<moment::Moment> moment = TRY(next_moment(way, verification, until));
      return step(*moment);
    }();
    if (!ended && !retry.wait(ended.error(), until)) return ended;
  }
  return {};
}

Result<void> compare_all(const UnderWay& way, api::Verification& verification, const Until& until) {
  return in_moments(
      way, verification, until, [&] { return way.work.left() == 0; },
      [&](moment::Moment& moment) -> Result<void> {
        const std::map<model::Name, std::string> unkept = TRY(find_unkept(way, moment, until));
        way.work.give_up(unkept);
        return compare_ranges(way, moment, until);
      });
}

// One look at all rows that are in doubt. A table that is refused by now is given up.
Result<void> look_at_doubts(const UnderWay& way, const moment::Moment& moment,
                            std::map<std::size_t, std::vector<Doubt>>& doubts, const Until& until) {
  RangeComparison comparison(way.options, way.plan.dialect, moment, way.board);
  TRY(comparison.open(until));
  for (auto& [table, rows] : doubts) {
    if (rows.empty()) continue;
    Result<SecondLook> look = comparison.look_again(way.work.table(table), rows, until);
    const bool may_pass = !look && (look.error().fault == Fault::transient || !comparison.usable());
    const bool is_cancelled = !look && look.error().fault == Fault::cancelled;
    // Statements that were written already would be written twice.
    if (is_cancelled || (may_pass && !comparison.has_repaired())) return look.error();
    if (look) {
      way.work.settle(table, look->settled, look->left.empty());
      rows = std::move(look->left);
    } else {
      way.work.give_up(table, describe(look.error()));
      rows.clear();
    }
  }
  std::erase_if(doubts, [](const auto& each) { return each.second.empty(); });
  return {};
}

Result<void> settle_doubts(const UnderWay& way, api::Verification& verification, const Until& until) {
  std::map<std::size_t, std::vector<Doubt>> doubts = way.work.doubts();
  int looks = 0;
  const Result<void> looked = in_moments(
      way, verification, until, [&] { return doubts.empty() || looks == most_looks_at_doubts; },
      [&](moment::Moment& moment) -> Result<void> {
        const std::map<model::Name, std::string> unkept = TRY(find_unkept(way, moment, until));
        way.work.give_up(unkept);
        const auto standing = way.work.doubts();
        std::erase_if(doubts, [&](const auto& each) { return standing.count(each.first) == 0; });
        TRY(look_at_doubts(way, moment, doubts, until));
        ++looks;
        return {};
      });
  if (!looked) return looked;
  for (const auto& [table, rows] : doubts)
    way.work.give_up(table, counted(rows.size(), "row") + " differed and changed each time they were looked at");
  return {};
}

void add(const api::TableVerification& table, api::Verification& sum) {
  const bool is_compared = table.result != api::Comparison::not_compared;
  sum.rows += table.source_rows;
  sum.kept_rows += table.kept_rows;
  keep_earliest(sum.kept_since, table.kept_since);
  ++(is_compared ? sum.tables_compared : sum.tables_not_compared);
  if (table.result == api::Comparison::different) ++sum.tables_different;
  sum.tables.push_back(table);
}

Result<void> compare_beside_tables(const UnderWay& way, const std::vector<model::Name>& tables,
                                   api::Verification& verification, const Until& until) {
  BesideTables beside = TRY(
      retried(way.options.retries, way.board, until, [&] { return look_beside_tables(way.options, tables, until); }));
  std::move(beside.unread.begin(), beside.unread.end(), std::back_inserter(verification.unread));
  if (!beside.compares_large_objects) return {};
  LargeObjectComparison objects(way.options, way.board);
  TRY(in_moments(
      way, verification, until, [&] { return objects.is_done(); },
      [&](moment::Moment& moment) {
        way.board.show(api::Phase::comparing, "comparing large objects");
        return objects.go_on(moment, Deadline::after(way.options.moment_age), until);
      }));
  const api::TableVerification& found = objects.result();
  add(found, verification);
  if (way.options.repair && found.result == api::Comparison::different)
    TRY(way.options.repair({RepairPart::remark, "large objects are not mended: no statement is written for them"}));
  return {};
}

void show(const ComparisonOptions& options, ComparisonPlan& plan, pipeline::ProgressBoard& board) {
  std::vector<pipeline::ProgressBoard::TableSize> sizes;
  for (const Compared& table : plan.tables) sizes.push_back({table.result.name, table.pair.ends.source.bytes});
  const std::vector<pipeline::TableMeter*> meters = board.begin_database(options.database, sizes);
  std::vector<bool> has_ranges(plan.tables.size());
  for (const Range& range : plan.ranges) has_ranges[range.table] = true;
  for (std::size_t each = 0; each < plan.tables.size(); ++each) {
    plan.tables[each].meter = meters[each];
    if (!has_ranges[each]) board.done(*meters[each]);
  }
}

// Whatever is told of a table in one sentence, no statement mends.
Result<void> remark(const ComparisonOptions& options, const ComparisonPlan& plan,
                    const std::vector<api::TableVerification>& results) {
  if (!options.repair) return {};
  for (std::size_t each = 0; each < results.size(); ++each) {
    const api::TableVerification& table = results[each];
    if (table.reason.empty()) continue;
    const bool is_compared = table.result != api::Comparison::not_compared;
    const std::string what = is_compared ? " is not mended: " : " is not mended as a whole: ";
    TRY(options.repair({RepairPart::remark, one_line("table " + table.name + what + table.reason),
                        quote_name(plan.tables[each].pair.ends.target.name), 0, !is_compared}));
  }
  return {};
}

// Repairs and values are of this process alone: what another has found does not help then.
Result<std::unique_ptr<KeptResults>> open_results(const ComparisonOptions& options, const Until& until) {
  if (options.run.empty() || options.repair || options.show_values) return std::unique_ptr<KeptResults>();
  return KeptResults::open(options.ends, options.run, options.restart, until);
}

}  // namespace

Result<void> compare_database(const ComparisonOptions& options, pipeline::ProgressBoard& board,
                              api::Verification& verification, const Until& until) {
  const auto patiently = [&](auto&& ask) { return retried(options.retries, board, until, ask); };
  ComparisonPlan plan = TRY(patiently([&] { return make_plan(options, until); }));
  show(options, plan, board);
  board.say("comparing the schema");
  const std::vector<model::Name> tables = tables_of(plan);
  std::vector<api::ObjectDifference> structure =
      TRY(patiently([&] { return compare_structure(options, tables, until); }));
  std::move(structure.begin(), structure.end(), std::back_inserter(verification.structure));
  SequenceComparison sequences(options, tables);
  TRY(patiently([&] { return sequences.begin(until); }));
  const std::unique_ptr<KeptResults> kept = TRY(patiently([&] { return open_results(options, until); }));
  std::vector<KnownRange> known;
  if (kept) known = take_up(*kept, plan, until);
  Work work(plan.tables, plan.ranges);
  for (const std::size_t table : work.knows(known)) board.done(*work.table(table).meter);
  const UnderWay way{options, plan, work, kept.get(), board};
  TRY(compare_all(way, verification, until));
  TRY(settle_doubts(way, verification, until));
  TRY(compare_beside_tables(way, tables, verification, until));
  board.say("comparing sequences");
  std::vector<api::ObjectDifference> behind = TRY(patiently([&] { return sequences.finish(until); }));
  std::move(behind.begin(), behind.end(), std::back_inserter(verification.sequences));
  const std::map<model::Name, std::string> redefined =
      TRY(patiently([&] { return find_redefined(options, plan, until); }));
  work.disclaim(redefined);
  const std::vector<api::TableVerification> results = work.results();
  for (const api::TableVerification& table : results) add(table, verification);
  TRY(remark(options, plan, results));
  if (kept) kept->forget(until);
  return {};
}

}  // namespace tributary::postgres::verify
