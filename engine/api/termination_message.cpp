#include <algorithm>
#include <optional>

#include "engine/api/report_json.h"
#include "engine/api/verification_excerpt.h"
#include "engine/base/text.h"

namespace tributary::api {
namespace {

constexpr std::size_t termination_message_limit = 3584;
constexpr std::size_t longest_left_out = 200;

// The most important first: what has no room goes from the end.
void arrange(Report& report) {
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  std::stable_sort(report.databases.begin(), report.databases.end(),
                   [](const DatabaseReport& a, const DatabaseReport& b) { return a.bytes > b.bytes; });
}

using Excerpt = std::optional<VerificationExcerpt>;

std::string left_out(std::size_t findings, std::size_t databases, const Excerpt& excerpt) {
  std::string what = std::to_string(findings) + " findings and " + std::to_string(databases) + " databases";
  const std::string compared = excerpt ? excerpt->left_out() : "";
  if (!compared.empty()) what = findings + databases == 0 ? compared : what + ", " + compared;
  return " (" + what + " not shown, see the log)";
}

void drop_until(std::size_t limit, Excerpt& excerpt, std::size_t& size) {
  while (excerpt && size > limit) {
    const std::size_t saved = excerpt->drop_least();
    if (saved == 0) return;
    size -= saved;
  }
}

// Every item is written at most once: a report may have many thousands.
void drop_until(std::size_t limit, Report& report, Excerpt& excerpt) {
  std::vector<Finding>& findings = report.findings;
  std::vector<DatabaseReport>& databases = report.databases;
  const std::size_t all_findings = findings.size();
  const std::size_t all_databases = databases.size();
  std::size_t size = compact(write(report)).size() + longest_left_out;
  while (size > limit && !findings.empty() && findings.back().severity < Severity::error) size -= drop_last(findings);
  while (size > limit && !databases.empty()) size -= drop_last(databases);
  drop_until(limit, excerpt, size);
  while (size > limit && !findings.empty()) size -= drop_last(findings);
  if (size > limit) {  // texts that are no UTF-8, whose every byte is written as three
    report.message = first_bytes(report.message, 200, "...");
    report.hint = first_bytes(report.hint, 100, "...");
  }
  report.message += left_out(all_findings - findings.size(), all_databases - databases.size(), excerpt);
}

bool is_whole(const Excerpt& excerpt) {
  return !excerpt || excerpt->left_out().empty();
}

}  // namespace

std::string termination_message(Report report) {
  report.totals = totals_of(report);
  for (Finding& finding : report.findings) {
    finding.message = first_bytes(finding.message, 400, "...");
    finding.hint = first_bytes(finding.hint, 300, "...");
  }
  report.message = first_bytes(one_line(report.message), 800, "...");
  report.hint = first_bytes(one_line(report.hint), 400, "...");
  arrange(report);
  Excerpt excerpt;
  if (report.verification) excerpt.emplace(*report.verification);
  const std::string text = compact(write(report));
  if (text.size() <= termination_message_limit && is_whole(excerpt)) return text;
  drop_until(termination_message_limit, report, excerpt);
  return compact(write(report));
}

}  // namespace tributary::api
