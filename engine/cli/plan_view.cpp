#include "engine/cli/plan_view.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/base/counted.h"
#include "engine/cli/duration.h"
#include "engine/cli/output.h"
#include "engine/cli/table.h"
#include "engine/cli/text.h"

namespace tributary::cli {
namespace {

using nlohmann::ordered_json;

const char* word_of(model::CopyFormat format) {
  switch (format) {
    case model::CopyFormat::binary:
      return "binary";
    case model::CopyFormat::text:
      return "text";
  }
  std::abort();
}

std::uint64_t bytes_of(const pipeline::PlannedDatabase& database) {
  std::uint64_t bytes = 0;
  for (const pipeline::PlannedTable& table : database.tables) bytes += table.bytes;
  return bytes;
}

std::string rows_text(double rows) {
  return rows < 0 ? "unknown" : "about " + count_text(static_cast<std::uint64_t>(std::llround(rows)));
}

std::string text_of(const pipeline::PlannedDatabase& database, const Style& style) {
  std::string text = "database " + printable(database.source) + " to " + printable(database.target) + ": " +
                     counted(database.tables.size(), "table") + ", " + bytes_text(bytes_of(database)) + ", " +
                     counted(database.steps, "schema statement") + ", " + about(database.time) + "\n";
  Table table({"TABLE", "SIZE", "ROWS", "PARTS", "FORMAT"});
  for (const pipeline::PlannedTable& each : database.tables)
    table.add(
        {each.name, bytes_text(each.bytes), rows_text(each.rows), std::to_string(each.parts), word_of(each.format)});
  return text + (table.empty() ? "" : table.text(style.width)) + "\n";
}

ordered_json json_of(const pipeline::PlannedTable& table) {
  const ordered_json rows = table.rows < 0 ? ordered_json() : ordered_json(std::llround(table.rows));
  return {{"name", table.name},
          {"bytes", table.bytes},
          {"rows", rows},
          {"parts", table.parts},
          {"format", word_of(table.format)}};
}

ordered_json json_of(const pipeline::PlannedDatabase& database) {
  ordered_json tables = ordered_json::array();
  for (const pipeline::PlannedTable& table : database.tables) tables.push_back(json_of(table));
  return {{"source", database.source},
          {"target", database.target},
          {"steps", database.steps},
          {"estimatedSeconds", database.time.count()},
          {"tables", std::move(tables)}};
}

ordered_json json_of(const api::Finding& finding) {
  return {{"severity", api::word_of(finding.severity)},
          {"code", finding.code},
          {"subject", finding.subject},
          {"message", finding.message},
          {"hint", finding.hint}};
}

}  // namespace

std::string plan_text(const pipeline::SnapshotPlan& plan, const Style& style) {
  std::string text = findings_text(plan.findings, style);
  if (!text.empty()) text += "\n";
  std::uint64_t tables = 0;
  std::uint64_t bytes = 0;
  Seconds time{0};
  for (const pipeline::PlannedDatabase& database : plan.databases) {
    text += text_of(database, style);
    tables += database.tables.size();
    bytes += bytes_of(database);
    time += database.time;
  }
  return text + "would copy " + counted(tables, "table") + " of " + counted(plan.databases.size(), "database") + ", " +
         bytes_text(bytes) + ", in " + counted(static_cast<std::uint64_t>(plan.parallelism), "stream") + ", " +
         about(time) + "; nothing was changed\n";
}

std::string plan_json(const pipeline::SnapshotPlan& plan) {
  ordered_json databases = ordered_json::array();
  for (const pipeline::PlannedDatabase& database : plan.databases) databases.push_back(json_of(database));
  ordered_json findings = ordered_json::array();
  for (const api::Finding& finding : plan.findings) findings.push_back(json_of(finding));
  const ordered_json json{{"version", 1},
                          {"parallelism", plan.parallelism},
                          {"databases", std::move(databases)},
                          {"findings", std::move(findings)}};
  // Names of a database without an encoding may be no UTF-8.
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace tributary::cli
