#include "engine/postgres/verify/comparison_plan.h"

#include <map>
#include <set>
#include <utility>

#include "engine/postgres/ledger/ledger.h"
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

std::string with_article(const std::string& kind) {
  return (kind == "index" ? "an " : "a ") + kind;
}

void add(const TableTraits& end, std::vector<std::string>& parts) {
  parts.push_back(std::to_string(end.id));
  for (const ColumnTraits& column : end.columns) parts.insert(parts.end(), {column.name, column.declared});
}

// Tells a table from what it was, and from another of its name.
std::string shape_of(const TablePair& pair) {
  std::vector<std::string> parts;
  add(pair.ends.source, parts);
  add(pair.ends.target, parts);
  for (const ComparedColumn& column : pair.key) parts.push_back(column.name);
  return digest_of(parts);
}

}  // namespace

Result<std::map<model::Name, std::string>> find_redefined(const ComparisonOptions& options, const ComparisonPlan& plan,
                                                          const Until& until) {
  Sessions sessions = TRY(open_sessions(options.ends, until));
  std::vector<model::Name> names;
  for (const Compared& table : plan.tables) names.push_back(table.subject.name);
  const TraitsByName source = TRY(read_traits(sessions.source, names, until));
  const TraitsByName target = TRY(read_traits(sessions.target, names, until));
  std::map<model::Name, std::string> redefined;
  for (const Compared& table : plan.tables) {
    const auto here = source.find(table.subject.name);
    const auto there = target.find(table.subject.name);
    const TableTraits none;
    const TablePair now = pair_up(here == source.end() ? none : here->second,
                                  there == target.end() ? none : there->second, plan.dialect.recodes);
    if (shape_of(now) == shape_of(table.pair)) continue;
    for (const model::Name& name : table.subject.tables)
      redefined[name] = "it was defined anew on one end while both were compared";
  }
  return redefined;
}

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
  const std::map<model::Name, std::string> others = TRY(read_other_relations(sessions.target, names, until));
  for (const Subject& subject : subjects_of(tables, options.selects, on_target)) {
    const auto here = source.find(subject.name);
    if (here == source.end()) continue;  // dropped meanwhile
    const auto there = target.find(subject.name);
    const bool is_there = there != target.end();
    plan.tables.push_back(
        compared(options.database, subject, here->second, is_there ? &there->second : nullptr, plan.dialect));
    if (!subject.not_comparable.empty()) continue;
    if (const auto other = others.find(subject.name); !is_there && other != others.end())
      plan.tables.back().result.reason += ", but " + with_article(other->second) + " of this name";
    std::vector<KeyRange> ranges(1);
    if (is_there) {
      // Whoever keeps the table, or hides it, is met again where it is read.
      Result<std::vector<KeyRange>> cut =
          cut_into_ranges(sessions.source, plan.tables.back().pair, options.sizes, until);
      if (!cut && !sessions.source.usable()) return cut.error();
      if (cut) ranges = std::move(*cut);
    }
    for (std::size_t number = 0; number < ranges.size(); ++number)
      plan.ranges.push_back({plan.tables.size() - 1, static_cast<int>(number), std::move(ranges[number]),
                             here->second.bytes / ranges.size()});
  }
  return plan;
}

std::vector<KnownRange> take_up(KeptResults& kept, ComparisonPlan& plan, const Until& until) {
  std::vector<std::vector<Range>> by_table(plan.tables.size());
  for (Range& range : plan.ranges) by_table[range.table].push_back(std::move(range));
  plan.ranges.clear();
  std::vector<KnownRange> known;
  std::vector<KeptResults::Planned> unknown;
  for (std::vector<Range>& ranges : by_table) {
    if (ranges.empty()) continue;
    const Range first = ranges.front();
    const model::Name& name = plan.tables[first.table].subject.name;
    const std::string shape = shape_of(plan.tables[first.table].pair);
    const std::vector<KeptRange> former = kept.ranges_of(name, shape);
    if (former.empty()) {
      unknown.push_back({name, shape, {}});
      for (Range& range : ranges) {
        unknown.back().ranges.push_back(range.keys);
        plan.ranges.push_back(std::move(range));
      }
    }
    for (const KeptRange& range : former) {
      plan.ranges.push_back({first.table, range.number, range.keys, first.bytes * ranges.size() / former.size()});
      if (range.found) known.push_back({plan.ranges.back(), *range.found});
    }
  }
  kept.plan(unknown, until);
  if (known.size() == plan.ranges.size()) known.clear();
  return known;
}

std::vector<model::Name> tables_of(const ComparisonPlan& plan) {
  std::vector<model::Name> tables;
  for (const Compared& table : plan.tables)
    tables.insert(tables.end(), table.subject.tables.begin(), table.subject.tables.end());
  return tables;
}

}  // namespace tributary::postgres::verify
