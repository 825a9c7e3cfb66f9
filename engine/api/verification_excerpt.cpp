#include "engine/api/verification_excerpt.h"

#include <algorithm>

#include "engine/api/report_json.h"
#include "engine/api/verification_json.h"
#include "engine/base/counted.h"
#include "engine/base/text.h"

namespace tributary::api {
namespace {

constexpr std::size_t most_rows = 20;
constexpr std::size_t most_columns = 5;
constexpr std::size_t name_limit = 130;  // schema.table, each of the most letters that PostgreSQL takes
constexpr std::size_t text_limit = 100;
constexpr std::size_t request_id_limit = 253;

std::string cut(const std::string& text, std::size_t most) {
  return first_bytes(text, most, "...");
}

void shorten(RowDifference& row) {
  row.key = cut(row.key, text_limit);
  row.values.clear();
  for (std::string& column : row.columns) column = cut(column, text_limit);
  if (row.columns.size() <= most_columns) return;
  row.columns.resize(most_columns);
  row.columns.push_back("...");
}

void shorten(ObjectDifference& object) {
  object.object = cut(object.object, name_limit);
  object.source = cut(object.source, text_limit);
  object.target = cut(object.target, text_limit);
}

std::uint64_t differences_of(const TableVerification& table) {
  return table.differing + table.missing + table.extra;
}

// Those that differ before those of which nothing is claimed.
bool is_worse(const TableVerification& a, const TableVerification& b) {
  if (a.result != b.result) return a.result == Comparison::different;
  return differences_of(a) > differences_of(b);
}

}  // namespace

VerificationExcerpt::VerificationExcerpt(Verification& verification) : shown_(verification) {
  shown_.request_id = cut(shown_.request_id, request_id_limit);
  std::vector<TableVerification>& tables = shown_.tables;
  std::erase_if(tables, [](const TableVerification& table) { return table.result == Comparison::equal; });
  all_ = amounts();
  std::stable_sort(tables.begin(), tables.end(), is_worse);
  keep_spread_rows();
  for (TableVerification& table : tables) {
    table.name = cut(table.name, name_limit);
    table.reason = cut(table.reason, 2 * text_limit);
    for (RowDifference& row : table.rows) shorten(row);
  }
  for (ObjectDifference& object : shown_.sequences) shorten(object);
  for (ObjectDifference& object : shown_.structure) shorten(object);
}

// The first row of each table, then the second of each, and so on.
void VerificationExcerpt::keep_spread_rows() {
  std::vector<std::size_t> kept(shown_.tables.size(), 0);
  std::size_t room = most_rows;
  for (std::size_t round = 0, before = room + 1; room > 0 && room < before; ++round) {
    before = room;
    for (std::size_t i = 0; i < kept.size() && room > 0; ++i) {
      if (shown_.tables[i].rows.size() <= round) continue;
      ++kept[i];
      --room;
      if (round > 0) further_rows_.push_back(i);
    }
  }
  for (std::size_t i = 0; i < kept.size(); ++i) shown_.tables[i].rows.resize(kept[i]);
}

std::size_t VerificationExcerpt::drop_least() {
  if (!shown_.unread.empty()) return drop_last(shown_.unread);
  if (!shown_.structure.empty()) return drop_last(shown_.structure);
  if (!shown_.sequences.empty()) return drop_last(shown_.sequences);
  if (!further_rows_.empty()) {
    const std::size_t table = further_rows_.back();
    further_rows_.pop_back();
    return drop_last(shown_.tables[table].rows);
  }
  return shown_.tables.empty() ? 0 : drop_last(shown_.tables);
}

VerificationExcerpt::Amounts VerificationExcerpt::amounts() const {
  Amounts now{shown_.tables.size(), 0, shown_.sequences.size(), shown_.structure.size()};
  for (const TableVerification& table : shown_.tables) now.rows += table.rows.size();
  return now;
}

std::string VerificationExcerpt::left_out() const {
  const Amounts now = amounts();
  if (now.tables == all_.tables && now.rows == all_.rows && now.sequences == all_.sequences &&
      now.structure == all_.structure)
    return "";
  return counted(all_.tables - now.tables, "table") + ", " + counted(all_.rows - now.rows, "row") + ", " +
         counted(all_.sequences - now.sequences, "sequence") + " and " +
         counted(all_.structure - now.structure, "schema difference");
}

}  // namespace tributary::api
