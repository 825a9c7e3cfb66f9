#include "engine/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "engine/base/counted.h"
#include "engine/base/hint.h"
#include "engine/base/log.h"
#include "engine/cli/duration.h"
#include "engine/cli/table.h"
#include "engine/cli/text.h"
#include "engine/cli/verification_view.h"

namespace tributary::cli {
namespace {

constexpr const char* red = "\x1b[31m";
constexpr const char* green = "\x1b[32m";
constexpr const char* yellow = "\x1b[33m";
constexpr const char* plain = "\x1b[0m";

const char* colour_of(api::Severity severity) {
  switch (severity) {
    case api::Severity::ok:
      return green;
    case api::Severity::warning:
      return yellow;
    case api::Severity::error:
      return red;
  }
  std::abort();
}

// `validate` copies nothing, so it has neither rows nor a position to tell.
std::string databases_text(const api::Report& report, const Style& style) {
  const bool looked = report.verb == word_of(Verb::validate);
  Table table(looked ? std::vector<std::string>{"DATABASE", "TARGET", "TABLES", "SIZE", "DATABASE SIZE", "TIME"}
                     : std::vector<std::string>{"DATABASE", "TARGET", "TABLES", "ROWS", "SIZE", "POSITION"});
  for (const api::DatabaseReport& database : report.databases) {
    const std::string tables = count_text(database.tables);
    const std::string size = bytes_text(database.bytes);
    if (looked) {
      const std::string whole = database.database_bytes > 0 ? bytes_text(database.database_bytes) : "unknown";
      table.add({database.name, database.target, tables, size, whole, about(Seconds(database.estimated_seconds))});
    } else {
      table.add({database.name, database.target, tables, count_text(database.rows), size, database.position});
    }
  }
  return table.empty() ? "" : table.text(style.width);
}

std::string verdict(const api::Report& report, const Style& style) {
  const bool done = report.exit_code == api::ExitCode::done;
  const char* colour = done ? green : red;
  std::string text = "tributary" + (report.verb.empty() ? "" : " " + report.verb) + ": " + printable(report.message);
  if (style.colour) text = colour + text + plain;
  if (!report.hint.empty()) text += "\nhint: " + printable(report.hint);
  return text + "\n";
}

void write_termination_log(const api::Report& report, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << api::termination_message(report);
  file.close();
  if (!file) log::warn("termination log not written", {{"file", path}});
}

bool write(std::FILE* stream, const std::string& text) {
  const bool taken = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  if (std::fflush(stream) == 0 && taken) return true;
  log::warn("output not written", {{"cause", std::strerror(errno)}});
  return false;
}

}  // namespace

std::string findings_text(const std::vector<api::Finding>& findings, const Style& style) {
  std::vector<api::Finding> sorted = findings;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const api::Finding& a, const api::Finding& b) { return a.severity > b.severity; });
  Table table({"RESULT", "CODE", "ABOUT", "MESSAGE"});
  for (const api::Finding& finding : sorted)
    table.add({api::word_of(finding.severity), finding.code, finding.subject, with_hint(finding.message, finding.hint)},
              style.colour ? colour_of(finding.severity) : "");
  return table.empty() ? "" : table.text(style.width);
}

std::string report_text(const api::Report& report, const Style& style) {
  std::string text;
  const std::string compared = report.verification ? verification_text(*report.verification, style) : "";
  for (const std::string& part : {compared, findings_text(report.findings, style), databases_text(report, style)}) {
    if (!part.empty()) text += part + "\n";
  }
  return text;
}

int publish(const api::Report& report, const Options& options) {
  if (!options.termination_log.empty()) write_termination_log(report, options.termination_log);
  const bool done = report.exit_code == api::ExitCode::done;
  bool written = true;
  if (options.output == Output::json) {
    if (!done) log::error("not done", {{"reason", report.reason}, {"error", report.message}, {"hint", report.hint}});
    written = write(stdout, api::to_json(report) + "\n");
  } else {
    // Statements on standard output are for psql, which the rest would disturb.
    std::FILE* told = options.verify.repair_sql == "-" ? stderr : stdout;
    std::FILE* ending = done ? told : stderr;
    written = write(told, report_text(report, style_of(fileno(told))));
    written = write(ending, verdict(report, style_of(fileno(ending)))) && written;
  }
  log::flush();
  // Whoever reads the report must not take an exit code alone for it.
  return static_cast<int>(done && !written ? api::ExitCode::failed : report.exit_code);
}

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
}

api::Report report_of(const Options& options, const Error& error, const std::string& reason) {
  api::Report report;
  report.verb = word_of(options.verb);
  report.replication = options.spec.replication;
  report.exit_code = api::exit_code_of(error.fault);
  report.reason = reason;
  report.message = error.what;
  report.hint = error.hint;
  report.started = rfc3339(std::chrono::system_clock::now());
  report.finished = report.started;
  return report;
}

}  // namespace tributary::cli
