#pragma once

#include <span>
#include <vector>

#include "engine/api/report.h"
#include "engine/postgres/preflight_facts.h"

// What speaks against a replication, or is worth knowing before it: pure functions from facts to findings, one per
// subject. docs/findings.md lists their codes.
namespace tributary::postgres {

using Findings = std::vector<api::Finding>;

struct Check {
  const char* name;
  void (*run)(const Facts& facts, Findings& findings);
};

// Of the two servers, and of what this machine has.
std::span<const Check> server_checks();
// Of each selected database and its place on the target.
std::span<const Check> database_checks();

// All checks; errors first, then warnings, then what is fine.
Findings judge(const Facts& facts);

// For the checks themselves. "source" and "target" are the subjects of the servers.
void add(Findings& findings, api::Severity severity, const char* code, const std::string& subject,
         const std::string& message, const std::string& hint = "");
// "database app".
std::string database_subject(const std::string& name);
// How bad it is that changes cannot be streamed: it depends on whether anybody asked for it.
api::Severity stream_severity(api::Mode mode);
bool takes_snapshot(api::Mode mode);
bool may_replicate(const Role& role);
// May install extensions that are not trusted.
bool is_administrator(const Role& role);

}  // namespace tributary::postgres
