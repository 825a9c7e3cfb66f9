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
  const auto errors = std::count_if(report.findings.begin(), report.findings.end(), [](const api::Finding& finding) {
    return finding.severity == api::Severity::error;
  });
  if (errors == 0) {
    report.reason = "Validated";
    report.message = "nothing stands in the way";
    return report;
  }
  report.exit_code = exit_code_of(report.findings);
  report.reason = "ValidationFailed";
  report.message = std::to_string(errors) + (errors == 1 ? " finding stands" : " findings stand") + " in the way";
  return report;
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
