#include "engine/cli/verification_view.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/cli/table.h"
#include "engine/cli/text.h"
#include "engine/cli/verification_verdict.h"

namespace tributary::cli {
namespace {

using api::Comparison;
using api::RowDifference;

constexpr std::size_t most_equal_tables = 20;  // that are listed one by one
constexpr const char* red = "\x1b[31m";
constexpr const char* green = "\x1b[32m";
constexpr const char* yellow = "\x1b[33m";

const char* word_of(Comparison result) {
  switch (result) {
    case Comparison::equal:
      return "equal";
    case Comparison::different:
      return "different";
    case Comparison::not_compared:
      return "not compared";
  }
  std::abort();
}

const char* colour_of(Comparison result) {
  switch (result) {
    case Comparison::equal:
      return green;
    case Comparison::different:
      return red;
    case Comparison::not_compared:
      return yellow;
  }
  std::abort();
}

const char* word_of(RowDifference::Kind kind) {
  switch (kind) {
    case RowDifference::Kind::differs:
      return "differs";
    case RowDifference::Kind::missing:
      return "missing";
    case RowDifference::Kind::extra:
      return "extra  ";
  }
  std::abort();
}

std::string amount(std::uint64_t number, const char* noun) {
  return count_text(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string name_of(const api::TableVerification& table) {
  return table.database + "." + table.name;
}

void add(Table& lines, const api::TableVerification& table, const Style& style) {
  const bool compared = table.result != Comparison::not_compared;
  const std::string told = compared ? differences_text(table.differing, table.missing, table.extra) : table.reason;
  std::string notes = table.result == Comparison::equal ? "" : told;
  if (!table.kept_since.empty())
    notes += (notes.empty() ? "" : "; ") + amount(table.kept_rows, "row") + " as of " + table.kept_since;
  lines.add({word_of(table.result), name_of(table), compared ? count_text(table.source_rows) : "-",
             compared ? count_text(table.target_rows) : "-", notes},
            style.colour ? colour_of(table.result) : "");
}

// Those that differ first, then those of which nothing is claimed, then the equal ones where they are few.
std::string tables_text(const api::Verification& found, const Style& style) {
  const auto equal_ones = static_cast<std::size_t>(
      std::count_if(found.tables.begin(), found.tables.end(),
                    [](const api::TableVerification& table) { return table.result == Comparison::equal; }));
  std::vector<Comparison> listed = {Comparison::different, Comparison::not_compared};
  if (equal_ones <= most_equal_tables) listed.push_back(Comparison::equal);
  Table lines({"RESULT", "TABLE", "SOURCE ROWS", "TARGET ROWS", "DIFFERENCES"});
  for (const Comparison result : listed)
    for (const api::TableVerification& table : found.tables)
      if (table.result == result) add(lines, table, style);
  std::string text = lines.empty() ? "" : lines.text(style.width);
  if (equal_ones <= most_equal_tables) return text;
  std::uint64_t rows = 0;
  for (const api::TableVerification& table : found.tables)
    if (table.result == Comparison::equal) rows += table.source_rows;
  return text + amount(equal_ones, "table") + " with " + amount(rows, "row") + " are equal\n";
}

std::string row_text(const RowDifference& row) {
  std::string text = "  " + std::string(word_of(row.kind)) + "  " + printable(row.key);
  if (row.copies > 1) text += ", " + count_text(row.copies) + " times";
  std::string columns;
  for (const std::string& column : row.columns) columns += (columns.empty() ? ": " : ", ") + printable(column);
  text += columns + "\n";
  for (const RowDifference::Value& value : row.values) {
    text += "             " + printable(value.column) + ": ";
    if (row.kind != RowDifference::Kind::extra) text += "source " + printable(value.source);
    if (row.kind == RowDifference::Kind::differs) text += ", ";
    if (row.kind != RowDifference::Kind::missing) text += "target " + printable(value.target);
    text += "\n";
  }
  return text;
}

std::uint64_t listed_rows(const api::TableVerification& table) {
  std::uint64_t listed = 0;
  for (const RowDifference& row : table.rows) listed += row.copies;
  return listed;
}

std::string rows_text(const api::TableVerification& table) {
  if (table.rows.empty()) return "";
  std::string text = "\n" + printable(name_of(table)) + "\n";
  for (const RowDifference& row : table.rows) text += row_text(row);
  const std::uint64_t all = table.differing + table.missing + table.extra;
  const std::uint64_t listed = listed_rows(table);
  return all > listed ? text + "  and " + count_text(all - listed) + " more\n" : text;
}

std::string object_text(const api::ObjectDifference& one) {
  const std::string name = "  " + printable(one.kind + " " + one.database + "." + one.object) + ": ";
  if (one.target.empty()) return name + "missing on the target; source " + printable(one.source) + "\n";
  if (one.source.empty()) return name + "only on the target: " + printable(one.target) + "\n";
  return name + "source " + printable(one.source) + ", target " + printable(one.target) + "\n";
}

std::string objects_text(const char* title, const std::vector<api::ObjectDifference>& objects) {
  std::string text = objects.empty() ? "" : "\n" + std::string(title) + "\n";
  for (const api::ObjectDifference& one : objects) text += object_text(one);
  return text;
}

std::string unread_text(const std::vector<api::Unread>& unread) {
  std::string text = unread.empty() ? "" : "\nNot compared, and no part of the result\n";
  for (const api::Unread& one : unread)
    text += "  " + amount(one.count, one.kind.c_str()) + " of database " + printable(one.database) + ": " + one.reason +
            "\n";
  return text;
}

std::string reading_text(const api::Verification& found) {
  std::string text = "\n" + amount(found.rows, "row") + " of " + amount(found.tables_compared, "table") +
                     " compared at " + amount(found.moments, "moment");
  if (!found.position.empty()) text += ", the last at " + printable(found.position);
  if (!found.kept_since.empty())
    text += "; " + amount(found.kept_rows, "row") + (found.kept_rows == 1 ? " of these was" : " of these were") +
            " compared before that, by an attempt that was interrupted, from " + found.kept_since + " on";
  if (found.held_ms > 0) text += "; the sync stood still for at most " + count_text(found.held_ms) + " ms";
  return text + "\n";
}

}  // namespace

std::string verification_text(const api::Verification& verification, const Style& style) {
  std::string text = tables_text(verification, style);
  for (const api::TableVerification& table : verification.tables) text += rows_text(table);
  text += objects_text("Sequences that are behind", verification.sequences);
  text += objects_text("Schema, apart from the data", verification.structure);
  return text + unread_text(verification.unread) + reading_text(verification);
}

}  // namespace tributary::cli
