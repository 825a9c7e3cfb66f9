#include <algorithm>

#include "engine/cli/output.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/postgres/preflight.h"

namespace tributary::cli {
namespace {

// An end that cannot be reached may be reachable later; every other error waits for a person.
api::ExitCode exit_code_of(const std::vector<api::Finding>& findings) {
  for (const api::Finding& finding : findings) {
    const bool may_pass = finding.code == "SourceUnreachable" || finding.code == "TargetUnreachable";
    if (finding.severity == api::Severity::error && !may_pass) return api::ExitCode::bad_configuration;
  }
  return api::ExitCode::failed;
}

// The verdict: the first error speaks for all, the others are counted.
api::Report judged(api::Report report) {
  const auto is_error = [](const api::Finding& finding) { return finding.severity == api::Severity::error; };
  const auto first = std::find_if(report.findings.begin(), report.findings.end(), is_error);
  if (first == report.findings.end()) {
    report.reason = "Validated";
    report.message = "nothing stands in the way";
    return report;
  }
  const auto more = std::count_if(first + 1, report.findings.end(), is_error);
  report.exit_code = exit_code_of(report.findings);
  report.reason = first->code;
  report.message = first->subject + ": " + first->message;
  if (more > 0) report.message += " (and " + std::to_string(more) + (more == 1 ? " error more)" : " errors more)");
  report.hint = first->hint;
  return report;
}

api::Report report_on(const postgres::Validation& validation, const Options& options, const std::string& started) {
  api::Report report;
  report.verb = word_of(options.verb);
  report.replication = options.spec.replication;
  report.started = started;
  report.finished = rfc3339(std::chrono::system_clock::now());
  report.findings = validation.findings;
  for (const postgres::DatabaseEstimate& one : validation.databases)
    report.databases.push_back({.name = one.database,
                                .target = one.target,
                                .tables = one.tables,
                                .rows = 0,
                                .bytes = one.bytes,
                                .position = ""});
  return judged(std::move(report));
}

}  // namespace

int validate(const Options& options) {
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const std::string started = rfc3339(std::chrono::system_clock::now());
    board.enter(api::Phase::validating);
    const Result<postgres::Validation> validation = postgres::validate(options.spec, until);
    if (!validation) return report_of(options, validation.error(), "ValidationFailed");
    return report_on(*validation, options, started);
  });
}

}  // namespace tributary::cli
