#include "engine/postgres/verify/comparison_plan.h"

#include <map>
#include <set>
#include <utility>

#include "engine/postgres/verify/key_ranges.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::KeyRange;

using TraitsByName = std::map<model::Name, TableTraits>;

Result<TraitsByName> read_traits(Connection& connection, const std::vector<model::Name>& names, const Until& until) {
  TraitsByName named;
  std::vector<TableTraits> traits = TRY(read_table_traits(connection, names, until));
  for (TableTraits& each : traits) named.emplace(each.name, std::move(each));
  return named;
}

std::string lacking(const std::vector<std::string>& columns) {
  std::string text = columns.size() == 1 ? "the target lacks column " : "the target lacks columns ";
  for (std::size_t each = 0; each < columns.size(); ++each) text += (each == 0 ? "" : ", ") + columns[each];
  return text;
}

// `target` is null where it has no such table.
Compared compared(const std::string& database, const Subject& subject, const TableTraits& source,
                  const TableTraits* target, const Dialect& dialect) {
  Compared table{subject, pair_up(source, target == nullptr ? TableTraits{} : *target, dialect.recodes)};
  api::TableVerification& result = table.result;
  result.database = database;
  result.name = model::display(subject.name);
  result.reason = subject.not_comparable;
  if (!result.reason.empty()) return table;
  if (target == nullptr) {
    result.reason = "the target has no such table";
  } else if (!table.pair.missing.empty()) {
    result.reason = lacking(table.pair.missing);
  }
  if (!result.reason.empty()) result.result = api::Comparison::different;
  return table;
}

}  // namespace

Result<ComparisonPlan> make_plan(const ComparisonOptions& options, const Until& until) {
  Sessions sessions = TRY(open_sessions(options.ends, until));
  const Result<Dialect> dialect = agree(sessions.source, sessions.target, until);
  if (!dialect) return dialect.error();
  ComparisonPlan plan{*dialect, {}, {}};
  const std::vector<CatalogTable> tables = TRY(read_tables(sessions.source, until));
  const std::vector<model::Name> names = names_of(tables);
  const TraitsByName source = TRY(read_traits(sessions.source, names, until));
  const TraitsByName target = TRY(read_traits(sessions.target, names, until));
  std::set<model::Name> on_target;
  for (const auto& [name, traits] : target) on_target.insert(name);
  for (const Subject& subject : subjects_of(tables, options.selects, on_target)) {
    const auto here = source.find(subject.name);
    if (here == source.end()) continue;  // dropped meanwhile
    const auto there = target.find(subject.name);
    const bool is_there = there != target.end();
    plan.tables.push_back(
        compared(options.database, subject, here->second, is_there ? &there->second : nullptr, plan.dialect));
    if (!subject.not_comparable.empty()) continue;
    std::vector<KeyRange> ranges(1);
    if (is_there) ranges = TRY(cut_into_ranges(sessions.source, plan.tables.back().pair, options.sizes, until));
    for (std::size_t number = 0; number < ranges.size(); ++number)
      plan.ranges.push_back({plan.tables.size() - 1, static_cast<int>(number), std::move(ranges[number]),
                             here->second.bytes / ranges.size()});
  }
  return plan;
}

Result<std::vector<KnownRange>> take_up(KeptResults& kept, ComparisonPlan& plan, const Until& until) {
  std::vector<std::vector<Range>> by_table(plan.tables.size());
  for (Range& range : plan.ranges) by_table[range.table].push_back(std::move(range));
  plan.ranges.clear();
  std::vector<KnownRange> known;
  std::vector<std::pair<model::Name, std::vector<KeyRange>>> unknown;
  for (std::vector<Range>& ranges : by_table) {
    if (ranges.empty()) continue;
    const Range first = ranges.front();
    const model::Name& name = plan.tables[first.table].subject.name;
    const std::vector<KeptRange> former = kept.ranges_of(name);
    if (former.empty()) {
      unknown.emplace_back(name, std::vector<KeyRange>{});
      for (Range& range : ranges) {
        unknown.back().second.push_back(range.keys);
        plan.ranges.push_back(std::move(range));
      }
    }
    for (const KeptRange& range : former) {
      plan.ranges.push_back({first.table, range.number, range.keys, first.bytes * ranges.size() / former.size()});
      if (range.found) known.push_back({plan.ranges.back(), *range.found});
    }
  }
  TRY(kept.plan(unknown, until));
  return known;
}

std::vector<model::Name> tables_of(const ComparisonPlan& plan) {
  std::vector<model::Name> tables;
  for (const Compared& table : plan.tables)
    tables.insert(tables.end(), table.subject.tables.begin(), table.subject.tables.end());
  return tables;
}

}  // namespace tributary::postgres::verify
