#include "engine/api/report_json.h"

#include "engine/api/json_reader.h"
#include "engine/api/progress_json.h"
#include "engine/api/verification_json.h"

namespace tributary::api {
namespace {

using nlohmann::ordered_json;

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
      .read("position", database.position)
      .read("databaseBytes", database.database_bytes)
      .read("estimatedSeconds", database.estimated_seconds);
}

void read_totals(JsonReader& in, Totals& totals) {
  in.read("databases", totals.databases)
      .read("tables", totals.tables)
      .read("rows", totals.rows)
      .read("bytes", totals.bytes);
}

}  // namespace

const char* word_of(Severity severity) {
  return word_for(severity_words, severity);
}

ordered_json write(const Finding& finding) {
  return {{"severity", word_of(finding.severity)},
          {"code", finding.code},
          {"subject", finding.subject},
          {"message", finding.message},
          {"hint", finding.hint}};
}

ordered_json write(const DatabaseReport& database) {
  ordered_json json{{"name", database.name}, {"target", database.target}, {"tables", database.tables},
                    {"rows", database.rows}, {"bytes", database.bytes},   {"position", database.position}};
  if (database.database_bytes > 0) json["databaseBytes"] = database.database_bytes;
  if (database.estimated_seconds > 0) json["estimatedSeconds"] = database.estimated_seconds;
  return json;
}

ordered_json write(const Report& report) {
  ordered_json databases = ordered_json::array();
  for (const DatabaseReport& database : report.databases) databases.push_back(write(database));
  ordered_json findings = ordered_json::array();
  for (const Finding& finding : report.findings) findings.push_back(write(finding));
  ordered_json json = {{"version", report.version},
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
  if (report.checks != Checks::unknown) json["checks"] = word_for(checks_words, report.checks);
  if (report.verification) json["verification"] = write(*report.verification);
  return json;
}

std::string compact(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string to_json(const Report& report) {
  return write(report).dump(2, ' ', false, ordered_json::error_handler_t::replace);
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
      .read_word("checks", report.checks, checks_words)
      .read("started", report.started)
      .read("finished", report.finished)
      .read_list("databases", report.databases, read_database)
      .read_list("findings", report.findings, read_finding)
      .read_object("totals", [&](JsonReader& inner) { read_totals(inner, report.totals.emplace()); })
      .read_object("verification", [&](JsonReader& inner) { read_verification(inner, report.verification.emplace()); });
  TRY(in.finish());
  if (report.version > 1)
    return Error{Fault::invalid, "report.version " + std::to_string(report.version) + " is newer than this operator"};
  return report;
}

}  // namespace tributary::api
