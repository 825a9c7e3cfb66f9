#include <algorithm>

#include "engine/api/json_reader.h"
#include "engine/api/report.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t termination_message_limit = 3584;

const Words<Severity> severity_words = {
    {"ok", Severity::ok}, {"warning", Severity::warning}, {"error", Severity::error}};
const Words<Consistency> consistency_words = {{"Snapshot", Consistency::snapshot},
                                              {"PerTable", Consistency::per_table}};
const Words<ExitCode> exit_words = {{"Done", ExitCode::done},
                                    {"Failed", ExitCode::failed},
                                    {"BadConfiguration", ExitCode::bad_configuration},
                                    {"Differences", ExitCode::differences},
                                    {"LostPosition", ExitCode::lost_position},
                                    {"Fenced", ExitCode::fenced}};

ordered_json write(const Finding& finding) {
  return {{"severity", word_of(finding.severity)},
          {"code", finding.code},
          {"subject", finding.subject},
          {"message", finding.message},
          {"hint", finding.hint}};
}

ordered_json write(const DatabaseReport& database) {
  return {{"name", database.name}, {"target", database.target}, {"tables", database.tables},
          {"rows", database.rows}, {"bytes", database.bytes},   {"position", database.position}};
}

ordered_json write(const Totals& totals) {
  return {{"databases", totals.databases}, {"tables", totals.tables}, {"rows", totals.rows}, {"bytes", totals.bytes}};
}

void read_finding(JsonReader& in, Finding& finding) {
  in.read_word("severity", finding.severity, severity_words)
      .read("code", finding.code)
      .read("subject", finding.subject)
      .read("message", finding.message)
      .read("hint", finding.hint);
}

void read_database(JsonReader& in, DatabaseReport& database) {
  in.read("name", database.name)
      .read("target", database.target)
      .read("tables", database.tables)
      .read("rows", database.rows)
      .read("bytes", database.bytes)
      .read("position", database.position);
}

void read_totals(JsonReader& in, Totals& totals) {
  in.read("databases", totals.databases)
      .read("tables", totals.tables)
      .read("rows", totals.rows)
      .read("bytes", totals.bytes);
}

// Cuts at a UTF-8 boundary and marks the cut.
void shorten(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text = text.substr(0, end) + "...";
}

// Drops the last of the mildest findings, of at most the given severity; false when there is none left.
bool drop_a_finding(Report& report, Severity most) {
  const auto mildest = std::min_element(report.findings.rbegin(), report.findings.rend(),
                                        [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  if (mildest == report.findings.rend() || mildest->severity > most) return false;
  report.findings.erase(std::next(mildest).base());
  return true;
}

bool drop_a_database(Report& report) {
  const auto smallest = std::min_element(report.databases.begin(), report.databases.end(),
                                         [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  if (smallest == report.databases.end()) return false;
  report.databases.erase(smallest);
  return true;
}

ordered_json json_of(const Report& report) {
  ordered_json databases = ordered_json::array();
  for (const DatabaseReport& database : report.databases) databases.push_back(write(database));
  ordered_json findings = ordered_json::array();
  for (const Finding& finding : report.findings) findings.push_back(write(finding));
  return {{"version", report.version},
          {"verb", report.verb},
          {"replication", report.replication},
          {"exitCode", static_cast<int>(report.exit_code)},
          {"outcome", word_for(exit_words, report.exit_code)},
          {"reason", report.reason},
          {"message", report.message},
          {"hint", report.hint},
          {"consistency", word_for(consistency_words, report.consistency)},
          {"started", report.started},
          {"finished", report.finished},
          {"totals", write(totals_of(report))},
          {"databases", std::move(databases)},
          {"findings", std::move(findings)}};
}

std::string compact(const Report& report) {
  return json_of(report).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

const char* word_of(Severity severity) {
  return word_for(severity_words, severity);
}

std::string to_json(const Report& report) {
  return json_of(report).dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

Totals totals_of(const Report& report) {
  if (report.totals) return *report.totals;
  Totals totals;
  totals.databases = report.databases.size();
  for (const DatabaseReport& database : report.databases) {
    totals.tables += database.tables;
    totals.rows += database.rows;
    totals.bytes += database.bytes;
  }
  return totals;
}

Result<Report> report_from_json(std::string_view text) {
  Report report;
  JsonReader in(text, "report", UnknownKeys::ignore);
  in.read("version", report.version)
      .read("verb", report.verb)
      .read("replication", report.replication)
      .read_word("outcome", report.exit_code, exit_words)
      .read("reason", report.reason)
      .read("message", report.message)
      .read("hint", report.hint)
      .read_word("consistency", report.consistency, consistency_words)
      .read("started", report.started)
      .read("finished", report.finished)
      .read_list("databases", report.databases, read_database)
      .read_list("findings", report.findings, read_finding)
      .read_object("totals", [&](JsonReader& inner) { read_totals(inner, report.totals.emplace()); });
  TRY(in.finish());
  if (report.version > 1)
    return Error{Fault::invalid, "report.version " + std::to_string(report.version) + " is newer than this operator"};
  return report;
}

std::string termination_message(Report report) {
  report.totals = totals_of(report);
  for (Finding& finding : report.findings) {
    shorten(finding.message, 400);
    shorten(finding.hint, 300);
  }
  shorten(report.message, 800);
  shorten(report.hint, 400);
  std::size_t findings = 0;
  std::size_t databases = 0;
  const std::string message = report.message;
  std::string text = compact(report);
  while (text.size() > termination_message_limit) {
    if (drop_a_finding(report, Severity::warning)) {
      ++findings;
    } else if (drop_a_database(report)) {
      ++databases;
    } else if (drop_a_finding(report, Severity::error)) {
      ++findings;
    } else {
      break;
    }
    report.message = message + " (" + std::to_string(findings) + " findings and " + std::to_string(databases) +
                     " databases not shown, see the log)";
    text = compact(report);
  }
  return text;
}

}  // namespace tributary::api
