#pragma once

#include <span>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/counted.h"
#include "engine/postgres/preflight/preflight_facts.h"

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

// Of what is on the target already: all that a copy would refuse there.
std::span<const Check> place_checks();

// All checks; errors first, then warnings, then what is fine.
Findings judge(const Facts& facts);

// For the checks themselves. "source" and "target" are the subjects of the servers.
void add(Findings& findings, api::Severity severity, const char* code, const std::string& subject,
         const std::string& message, const std::string& hint = "");
// An entry of the selection that names nothing.
api::Finding finding_of(const pipeline::Unmatched& unmatched);
// "database app".
std::string database_subject(const std::string& name);
// Large objects come along: all with a whole database, with a selection of tables only where one may refer to them.
bool takes_large_objects(const api::SnapshotOptions& options, const PairFacts& pair);
// Streams that somebody asked for, or that this machine is good for.
int wanted_streams(const Facts& facts);
// What the snapshot needs of every bound on the number of sessions.
std::vector<ConnectionDemand> connection_demands(const Facts& facts);
// The same server: by its identifier, or where a role may not read that by when it was started.
bool same_server(const Server& a, const Server& b);
// The target's database goes, with everything in it, and is created anew.
bool is_recreated(const Facts& facts, const PairFacts& pair);
// How bad it is that changes cannot be streamed: it depends on whether anybody asked for it.
api::Severity stream_severity(api::Mode mode);
bool takes_snapshot(api::Mode mode);
bool may_replicate(const SessionRole& role);
// May install extensions that are not trusted.
bool is_administrator(const SessionRole& role);

// A check of one pair, for each whose source could be read.
template <void (*check)(const Facts&, const PairFacts&, Findings&)>
void each(const Facts& facts, Findings& findings) {
  for (const PairFacts& pair : facts.pairs) {
    if (!pair.source.failure) check(facts, pair, findings);
  }
}

// For checks of the target's side: both ends must be known.
template <void (*check)(const Facts&, const PairFacts&, Findings&)>
void each_on_target(const Facts& facts, Findings& findings) {
  if (facts.target.failure) return;
  for (const PairFacts& pair : facts.pairs) {
    if (!pair.source.failure && !pair.target.failure) check(facts, pair, findings);
  }
}

}  // namespace tributary::postgres
