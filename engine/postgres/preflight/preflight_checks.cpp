#include "engine/postgres/preflight/preflight_checks.h"

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

// Of one server: what both ends ask of the same bound, as one.
std::vector<ConnectionDemand> shared(std::vector<ConnectionDemand> demands) {
  std::vector<ConnectionDemand> all;
  for (ConnectionDemand& demand : demands) {
    const auto same = std::find_if(all.begin(), all.end(), [&](const ConnectionDemand& other) {
      return other.subject != demand.subject && other.bound.what == demand.bound.what;
    });
    if (same == all.end()) {
      all.push_back(std::move(demand));
    } else {
      same->beside += demand.beside;
      same->comfort += demand.comfort;
      same->per_stream += demand.per_stream;
    }
  }
  return all;
}

}  // namespace

void add(Findings& findings, api::Severity severity, const char* code, const std::string& subject,
         const std::string& message, const std::string& hint) {
  findings.push_back({severity, code, subject, message, hint});
}

std::string database_subject(const std::string& name) {
  return "database " + name;
}

api::Finding finding_of(const pipeline::Unmatched& unmatched) {
  const Error error = describe(unmatched);
  return {api::Severity::error, "SelectionMatchesNothing", "selection", error.what, error.hint};
}

bool same_server(const Server& a, const Server& b) {
  const bool identified = !a.system_identifier.empty() && !b.system_identifier.empty();
  return identified ? a.system_identifier == b.system_identifier : a.start_time == b.start_time;
}

bool takes_large_objects(const api::SnapshotOptions& options, const PairFacts& pair) {
  return options.large_objects && pair.source.large_objects > 0 &&
         (pair.whole || !pair.source.large_object_tables.empty());
}

int wanted_streams(const Facts& facts) {
  return facts.options.parallelism > 0 ? facts.options.parallelism : streams_of_cores(facts.cores);
}

// A coordinator on the source and a reader per stream; a control session on the target, a writer per stream and a
// lookout; large objects have a session of their own on both.
std::vector<ConnectionDemand> connection_demands(const Facts& facts) {
  std::vector<ConnectionDemand> demands;
  const auto demand = [&](const char* subject, const ConnectionBound& bound, bool objects, int comfort) {
    demands.push_back({subject, bound, objects ? 2 : 1, comfort, 1});
  };
  const auto objects = [&](const PairFacts& pair) { return takes_large_objects(facts.options, pair); };
  const bool any_objects = std::any_of(facts.pairs.begin(), facts.pairs.end(), objects);
  const auto of_end = [&](const char* subject, const EndFacts& end, std::string PairFacts::*name, int comfort) {
    if (end.failure) return;
    for (const ConnectionBound& bound : end.connections.server) demand(subject, bound, any_objects, comfort);
    for (const PairFacts& pair : facts.pairs) {
      const auto bound = end.connections.databases.find(pair.*name);
      if (bound != end.connections.databases.end()) demand(subject, bound->second, objects(pair), comfort);
    }
  };
  of_end("source", facts.source, &PairFacts::source_name, 0);
  of_end("target", facts.target, &PairFacts::target_name, 1);
  if (facts.source.failure || facts.target.failure || !same_server(facts.source.server, facts.target.server))
    return demands;
  return shared(std::move(demands));
}

bool is_recreated(const Facts& facts, const PairFacts& pair) {
  return to_drop(facts.options, pair.whole, pair.target.former) == Drop::database;
}

api::Severity stream_severity(api::Mode mode) {
  const bool streams = mode == api::Mode::snapshot_and_sync || mode == api::Mode::sync;
  return streams ? api::Severity::error : api::Severity::warning;
}

bool takes_snapshot(api::Mode mode) {
  return mode != api::Mode::sync;
}

bool may_replicate(const SessionRole& role) {
  return role.superuser || role.replication || role.memberships.contains("rds_replication");
}

bool is_administrator(const SessionRole& role) {
  static constexpr const char* administrators[] = {"rds_superuser", "cloudsqlsuperuser", "azure_pg_admin",
                                                   "neon_superuser"};
  return role.superuser || std::any_of(std::begin(administrators), std::end(administrators),
                                       [&](const char* name) { return role.memberships.contains(name); });
}

Findings judge(const Facts& facts) {
  Findings findings;
  for (const Check& check : server_checks()) check.run(facts, findings);
  for (const Check& check : database_checks()) check.run(facts, findings);
  for (const Check& check : place_checks()) check.run(facts, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const api::Finding& a, const api::Finding& b) { return rank(a.severity) < rank(b.severity); });
  return findings;
}

}  // namespace tributary::postgres
