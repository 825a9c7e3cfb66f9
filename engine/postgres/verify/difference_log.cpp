#include "engine/postgres/verify/difference_log.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Both;
using tributary::verify::Found;
using tributary::verify::Key;
using Kind = api::RowDifference::Kind;

// Whole values may be large.
constexpr std::size_t rows_at_once = 100;
constexpr std::size_t whole_rows_at_once = 10;
constexpr std::size_t longest_key = 200;

const std::set<std::string> numbers{"int2", "int4", "int8", "oid", "numeric", "float4", "float8"};

const RowTexts* at(const std::map<Key, RowTexts>& rows, const Key& key) {
  const auto found = rows.find(key);
  return found == rows.end() ? nullptr : &found->second;
}

}  // namespace

std::string spell_key(const Found& found, const TablePair& pair) {
  const Key& key = found.row.key;
  if (pair.key.empty())
    return "ctid=" + key[1] + (pair.ends.source.is_partitioned ? " of " + key[0] : "") +
           (found.kind == Kind::extra ? " on the target" : " on the source");
  std::string text;
  for (std::size_t each = 0; each < key.size(); ++each) {
    const bool is_number = numbers.count(pair.key[each].type) != 0;
    text += (text.empty() ? "" : ", ") + pair.key[each].name + "=" + (is_number ? key[each] : quote_literal(key[each]));
  }
  return first_bytes(one_line(text), longest_key, "...");
}

Result<void> DifferenceLog::add(const Found& found, const Until& until) {
  count(found);
  const bool told = first_.take(spell_key(found, pair_));
  if (!told && !repairs_) return {};
  pending_.push_back({found, told});
  return pending_.size() < (repairs_ ? whole_rows_at_once : rows_at_once) ? Result<void>{} : finish(until);
}

Result<void> DifferenceLog::finish(const Until& until) {
  if (pending_.empty()) return {};
  Both<std::vector<Key>> keys;
  for (const Pending& each : pending_) {
    const Kind kind = each.found.kind;
    if (kind == Kind::differs || (kind == Kind::missing && show_values_) ||
        (repairs_ && repairs_->wants_source(each.found)))
      keys.source.push_back(each.found.row.key);
    if (kind == Kind::differs || (kind == Kind::extra && show_values_) ||
        (repairs_ && repairs_->wants_target(each.found)))
      keys.target.push_back(each.found.row.key);
  }
  Both<std::map<Key, RowTexts>> rows;
  if (!keys.source.empty() || !keys.target.empty()) {
    Sessions& sessions = *TRY(open_(until));
    rows.source = TRY(read_rows(sessions.source, pair_, pair_.ends.source, dialect_, keys.source, values_, until));
    rows.target = TRY(read_rows(sessions.target, pair_, pair_.ends.target, dialect_, keys.target, values_, until));
  }
  for (const Pending& each : pending_) {
    const RowTexts* const source = at(rows.source, each.found.row.key);
    const RowTexts* const target = at(rows.target, each.found.row.key);
    if (each.told) result_.rows.push_back(describe(each.found, source, target));
  }
  if (repairs_) {
    std::vector<Found> found;
    for (const Pending& each : pending_) found.push_back(each.found);
    TRY(repairs_->mend(found, rows, until));
  }
  pending_.clear();
  keep_first(result_.rows);
  return {};
}

void DifferenceLog::count(const Found& found) {
  std::uint64_t& sum = found.kind == Kind::differs   ? result_.differing
                       : found.kind == Kind::missing ? result_.missing
                                                     : result_.extra;
  sum += found.copies;
}

api::RowDifference DifferenceLog::describe(const Found& found, const RowTexts* source, const RowTexts* target) const {
  api::RowDifference difference{found.kind, spell_key(found, pair_), found.copies, {}, {}};
  for (std::size_t each = 0; each < pair_.columns.size(); ++each) {
    const std::string& name = pair_.columns[each].name;
    const bool differs = source != nullptr && target != nullptr && (*source)[each].hash != (*target)[each].hash;
    if (differs) difference.columns.push_back(name);
    if (!show_values_ || (found.kind == Kind::differs && !differs)) continue;
    const auto shown = [&](const RowTexts* row) {
      if (row == nullptr) return std::string();
      return (*row)[each].value ? first_bytes(*(*row)[each].value, longest_key, "...") : std::string("NULL");
    };
    difference.values.push_back({name, shown(source), shown(target)});
  }
  return difference;
}

}  // namespace tributary::postgres::verify
