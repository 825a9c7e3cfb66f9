#include "engine/postgres/verify/row_repairs.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/verify/difference_log.h"
#include "engine/postgres/verify/table_sql.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::Found;
using tributary::verify::Key;
using Kind = api::RowDifference::Kind;

// Of what must be unique or must not overlap, in the table and in what lies below it; what an index computes or looks
// at is known by what it depends on.
constexpr const char* constrained_columns = R"sql(
SELECT DISTINCT a.attname
FROM (SELECT $1::oid AS id UNION SELECT relid::oid FROM pg_partition_tree($1::oid::regclass)) AS part
JOIN pg_index i ON i.indrelid = part.id AND (i.indisunique OR i.indisexclusion)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))sql";

const RowTexts* at(const RowsByKey& rows, const Key& key) {
  const auto found = rows.find(key);
  return found == rows.end() ? nullptr : &found->second;
}

}  // namespace

bool RowRepairs::wants_source(const Found& found) const {
  return certain_ && (found.kind == Kind::missing || (!pair_.key.empty() && !is_unique_on_target(pair_)));
}

bool RowRepairs::wants_target(const Found& found) const {
  return certain_ && found.kind == Kind::extra && pair_.key.empty();
}

Result<void> RowRepairs::mend(const std::vector<Found>& found, const tributary::verify::Both<RowsByKey>& rows,
                              const Until& until) {
  if (!certain_) {
    for (const Found& each : found) TRY(remark(each, "both ends could not be read at one position"));
    return {};
  }
  TRY(learn_constraints(until));
  const std::vector<std::optional<Twin>> twins = TRY(find_twins(found, until));
  for (std::size_t each = 0; each < found.size(); ++each) {
    const Found& one = found[each];
    const RowTexts* const source = at(rows.source, one.row.key);
    const RowTexts* const target = at(rows.target, one.row.key);
    if (!pair_.key.empty() && !is_unique_on_target(pair_)) {
      TRY(write_anew(one, source));
    } else if (one.kind == Kind::extra) {
      TRY(mend_extra(one, target));
    } else if (source != nullptr && one.kind == Kind::missing) {
      TRY(mend_missing(one, *source, twins[each]));
    } else if (source != nullptr && target != nullptr) {
      TRY(change(one, *source, *target));
    }
  }
  return {};
}

Result<void> RowRepairs::learn_constraints(const Until& until) {
  if (constrained_) return {};
  Sessions& sessions = *TRY(open_(until));
  const Rows rows = TRY(sessions.target.query(constrained_columns, {std::to_string(pair_.ends.target.id)}, until));
  constrained_.emplace();
  for (int row = 0; row < rows.size(); ++row) constrained_->insert(rows.str(row, 0));
  return {};
}

// Rows of the target that it takes for those that it lacks.
Result<std::vector<std::optional<RowRepairs::Twin>>> RowRepairs::find_twins(const std::vector<Found>& found,
                                                                            const Until& until) {
  std::vector<std::optional<Twin>> twins(found.size());
  if (pair_.key.empty() || is_exact(pair_) || !is_unique_on_target(pair_)) return twins;
  std::vector<Key> missing;
  for (const Found& each : found)
    if (each.kind == Kind::missing) missing.push_back(each.row.key);
  if (missing.empty()) return twins;
  Sessions& sessions = *TRY(open_(until));
  const std::vector<std::optional<KeyedRow>> equal = TRY(read_equal(sessions.target, pair_, dialect_, missing, until));
  std::vector<Key> keys;
  for (const std::optional<KeyedRow>& each : equal)
    if (each) keys.push_back(each->key);
  const RowsByKey on_source =
      TRY(read_rows(sessions.source, pair_, pair_.ends.source, dialect_, keys, Values::none, until));
  std::size_t next = 0;
  for (std::size_t each = 0; each < found.size(); ++each) {
    if (found[each].kind != Kind::missing) continue;
    const std::optional<KeyedRow>& twin = equal[next++];
    if (twin) twins[each] = Twin{*twin, on_source.count(twin->key) != 0};
  }
  return twins;
}

Result<void> RowRepairs::mend_extra(const Found& found, const RowTexts* target) {
  if (!pair_.key.empty()) return give(RepairPart::remove, delete_row(pair_, found.row.key), found.copies);
  if (target == nullptr) return {};
  return give(RepairPart::remove, delete_copies(pair_, *target, found.copies), found.copies);
}

Result<void> RowRepairs::mend_missing(const Found& found, const RowTexts& source, const std::optional<Twin>& twin) {
  if (twin && (twin->is_on_source || !respelled_.insert(twin->row.key).second))
    return remark(found, "the target takes its key for that of another row, which the source has too");
  if (twin) {
    TRY(give(RepairPart::respell, respell_key(pair_, twin->row.key, found.row.key), 0));
    RowTexts respelled = twin->row.texts;
    for (std::size_t each = 0; each < pair_.columns.size(); ++each)
      if (std::any_of(pair_.key.begin(), pair_.key.end(),
                      [&](const auto& column) { return column.name == pair_.columns[each].name; }))
        respelled[each] = source[each];
    return change(found, source, respelled);
  }
  for (std::uint64_t copy = 0; copy < found.copies; ++copy) TRY(give(RepairPart::insert, insert_row(pair_, source), 1));
  return {};
}

// Of a row that the target has by this key.
Result<void> RowRepairs::change(const Found& found, const RowTexts& source, const RowTexts& target) {
  if (needs_room(pair_, *constrained_, source, target) && !holds_more(pair_)) {
    TRY(give(RepairPart::remove, delete_row(pair_, found.row.key), 0));
    return give(RepairPart::insert, insert_row(pair_, source), found.copies);
  }
  const std::string update = update_row(pair_, found.row.key, source, target);
  if (!update.empty()) return give(RepairPart::update, update, found.copies);
  if (found.kind == Kind::missing) return give(RepairPart::update, "", found.copies);
  return remark(found, "only columns differ that the target computes or numbers itself");
}

// Where the target lets a key be there more than once: all rows of it make room for the source's.
Result<void> RowRepairs::write_anew(const Found& found, const RowTexts* source) {
  if (holds_more(pair_))
    return remark(found, "the target has no key to know the row by, and columns that the source lacks");
  if (found.row.key == anew_) return give(RepairPart::insert, "", found.copies);
  anew_ = found.row.key;
  TRY(give(RepairPart::remove, delete_row(pair_, found.row.key), source == nullptr ? found.copies : 0));
  if (source == nullptr) return {};
  return give(RepairPart::insert, insert_row(pair_, *source), found.copies);
}

Result<void> RowRepairs::give(RepairPart part, std::string sql, std::uint64_t mends) {
  return take_({part, std::move(sql), quote_name(pair_.ends.target.name), mends});
}

Result<void> RowRepairs::remark(const Found& found, const std::string& why) {
  return take_({RepairPart::remark, one_line(model::display(pair_.ends.target.name)) + ": " + spell_key(found, pair_) +
                                        " is not mended: " + why});
}

}  // namespace tributary::postgres::verify
