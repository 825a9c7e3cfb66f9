#include "engine/postgres/preflight_checks.h"

#include <algorithm>

namespace tributary::postgres {
namespace {

int rank(api::Severity severity) {
  switch (severity) {
    case api::Severity::error:
      return 0;
    case api::Severity::warning:
      return 1;
    case api::Severity::ok:
      return 2;
  }
  return 2;
}

}  // namespace

void add(Findings& findings, api::Severity severity, const char* code, const std::string& subject,
         const std::string& message, const std::string& hint) {
  findings.push_back({severity, code, subject, message, hint});
}

std::string database_subject(const std::string& name) {
  return "database " + name;
}

api::Severity stream_severity(api::Mode mode) {
  const bool streams = mode == api::Mode::snapshot_and_sync || mode == api::Mode::sync;
  return streams ? api::Severity::error : api::Severity::warning;
}

bool takes_snapshot(api::Mode mode) {
  return mode != api::Mode::sync;
}

bool may_replicate(const Role& role) {
  return role.superuser || role.replication || role.memberships.contains("rds_replication");
}

bool is_administrator(const Role& role) {
  static constexpr const char* administrators[] = {"rds_superuser", "cloudsqlsuperuser", "azure_pg_admin",
                                                   "neon_superuser"};
  return role.superuser || std::any_of(std::begin(administrators), std::end(administrators),
                                       [&](const char* name) { return role.memberships.contains(name); });
}

Findings judge(const Facts& facts) {
  Findings findings;
  for (const Check& check : server_checks()) check.run(facts, findings);
  for (const Check& check : database_checks()) check.run(facts, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const api::Finding& a, const api::Finding& b) { return rank(a.severity) < rank(b.severity); });
  return findings;
}

}  // namespace tributary::postgres
