#include "engine/postgres/apply/table_plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres::apply {
namespace {

using model::LogTable;

// OIDs of pg_catalog (src/include/catalog/pg_type.dat).
constexpr std::uint32_t character_padded = 1042;  // bpchar
constexpr std::array<std::uint32_t, 13> equal_by_text{
    16,    // boolean
    17,    // bytea, as hex
    19,    // name
    20,    // bigint
    21,    // smallint
    23,    // integer
    25,    // text
    26,    // oid
    1043,  // character varying
    1082,  // date
    1114,  // timestamp
    1184,  // timestamp with time zone, in one zone
    2950,  // uuid
};

// A value of the log is one of the target only where both mean the same by their texts; blanks at the end of
// character(n) are the same in all of its texts.
bool is_equal_by_text(const LogTable::Column& log, const TargetColumn& target) {
  if (log.type != target.type || log.modifier != target.modifier || !target.collates_by_bytes) return false;
  if (log.type == character_padded) return log.modifier >= 0;
  return std::find(equal_by_text.begin(), equal_by_text.end(), log.type) != equal_by_text.end();
}

Likeness likeness_of(const LogTable::Column& log, const TargetColumn& target) {
  if (target.equality.empty()) return Likeness::by_text;
  return is_equal_by_text(log, target) ? Likeness::by_equality : Likeness::by_both;
}

// Every row of the target must be told apart by the log's key and by nothing else.
bool is_only_key(const std::vector<UniqueIndex>& unique, const std::set<std::string>& key) {
  return std::all_of(unique.begin(), unique.end(), [&](const UniqueIndex& index) {
    return std::set<std::string>(index.columns.begin(), index.columns.end()) == key;
  });
}

bool may_coalesce(const LogTable& log, const TargetTable& target, const TablePlan& plan) {
  if (target.has_active_triggers) return false;
  std::set<std::string> key;
  bool any = false;
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    const PlannedColumn& column = plan.columns[at];
    const bool in_key = column.identifies && log.identity != LogTable::Identity::whole_row;
    if (in_key && column.likeness != Likeness::by_equality) return false;
    if (!in_key && column.is_identity_always) return false;
    if (in_key) key.insert(log.columns[at].name);
    any = any || column.is_written;
  }
  if (!any) return false;
  const auto casts = [](const TargetColumn& column) { return column.is_generated || column.casts_from_text; };
  if (!std::all_of(target.columns.begin(), target.columns.end(), casts)) return false;
  return is_only_key(target.unique, key);
}

// The key of one partition need not be one of all of them. Whole rows are: equal ones lie in one partition.
bool tells_all_rows_apart(const LogTable& log, const TargetTable& target) {
  if (log.identity == LogTable::Identity::whole_row || log.identity == LogTable::Identity::none) return true;
  std::set<std::string> known;
  for (const LogTable::Column& column : log.columns)
    if (column.identifies) known.insert(column.name);
  return std::any_of(target.unique.begin(), target.unique.end(), [&](const UniqueIndex& index) {
    return index.is_key && std::all_of(index.columns.begin(), index.columns.end(),
                                       [&](const std::string& column) { return known.count(column) != 0; });
  });
}

}  // namespace

Result<TablePlan> plan_table(const LogTable& log, const TargetTable& target, Holding holding) {
  if (holding == Holding::shared && !tells_all_rows_apart(log, target))
    return Error{Fault::differs, "its rows lie in " + model::display(target.name) +
                                     " on the target with those of other partitions, and its key tells them apart "
                                     "in its own alone"};
  TablePlan plan;
  plan.name = target.name;
  plan.is_partitioned = target.is_partitioned;
  plan.into = quote_name(target.name);
  plan.target = (target.is_partitioned ? "" : "ONLY ") + plan.into;
  plan.identity = log.identity;
  std::set<std::string> sent;
  for (const LogTable::Column& column : log.columns) {
    const auto found = std::find_if(target.columns.begin(), target.columns.end(),
                                    [&](const TargetColumn& other) { return other.name == column.name; });
    if (found == target.columns.end())
      return Error{Fault::differs, "the target's table has no column " + quote_identifier(column.name)};
    sent.insert(column.name);
    plan.columns.push_back({quote_identifier(column.name), found->type, found->spelling, found->equality,
                            likeness_of(column, *found), column.identifies, !found->is_generated,
                            found->is_identity_always});
  }
  for (const TargetColumn& column : target.columns) {
    if (!column.is_generated && sent.count(column.name) == 0) plan.others.push_back(quote_identifier(column.name));
  }
  plan.may_coalesce = holding == Holding::own && may_coalesce(log, target, plan);
  return plan;
}

NetShape net_shape(const TablePlan& plan) {
  NetShape shape;
  shape.may_move_rows = plan.others.empty();
  for (std::size_t at = 0; at < plan.columns.size(); ++at) {
    if (plan.columns[at].identifies && plan.identity != LogTable::Identity::whole_row) shape.key.push_back(at);
  }
  return shape;
}

bool is_same(const LogTable& one, const LogTable& other) {
  if (one.id != other.id || one.name != other.name || one.identity != other.identity) return false;
  return std::equal(one.columns.begin(), one.columns.end(), other.columns.begin(), other.columns.end(),
                    [](const LogTable::Column& a, const LogTable::Column& b) {
                      return a.name == b.name && a.type == b.type && a.modifier == b.modifier &&
                             a.identifies == b.identifies;
                    });
}

}  // namespace tributary::postgres::apply
