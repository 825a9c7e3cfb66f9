#include <algorithm>

#include "engine/base/counted.h"
#include "engine/cli/output.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/refusal.h"
#include "engine/postgres/preflight/preflight.h"

namespace tributary::cli {
namespace {

// The verdict: one error speaks for all, the others are counted.
api::Report judged(api::Report report) {
  const api::Finding* spokesman = pipeline::first_error(report.findings);
  if (spokesman == nullptr) {
    report.reason = "Validated";
    report.message = "nothing stands in the way";
    return report;
  }
  const Error refusal = pipeline::refusal(*spokesman);
  report.exit_code = api::exit_code_of(refusal.fault);
  report.reason = spokesman->code;
  report.message = refusal.what;
  report.hint = refusal.hint;
  const auto errors = std::count_if(report.findings.begin(), report.findings.end(), [](const api::Finding& finding) {
    return finding.severity == api::Severity::error;
  });
  if (errors > 1) report.message += " (and " + counted(static_cast<std::uint64_t>(errors - 1), "error") + " more)";
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
                                .position = "",
                                .database_bytes = one.total_bytes,
                                .estimated_seconds = static_cast<std::uint64_t>(one.duration.count())});
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
