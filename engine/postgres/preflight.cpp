#include "engine/postgres/preflight.h"

#include <algorithm>

#include "engine/postgres/preflight_checks.h"

namespace tributary::postgres {
namespace {

// Two cores on both sides copied 1 GB with its indexes in 7 seconds (docs/benchmarks.md); networks and disks of real
// servers are slower, so a third of that is promised.
constexpr std::uint64_t bytes_per_second = 50'000'000;
constexpr std::uint64_t tables_per_second = 100;
constexpr std::uint64_t fixed_seconds = 2;

DatabaseEstimate estimate(const PairFacts& pair) {
  DatabaseEstimate found;
  found.database = pair.source_name;
  found.target = pair.target_name;
  found.tables = pair.source.tables.size();
  for (const CatalogTable& table : pair.source.tables) found.bytes += table.table.bytes;
  found.total_bytes = pair.source.facts.bytes.value_or(0);
  found.duration = Seconds(fixed_seconds + found.bytes / bytes_per_second + found.tables / tables_per_second);
  return found;
}

}  // namespace

bool Validation::passed() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const api::Finding& finding) { return finding.severity == api::Severity::error; });
}

Result<Validation> validate(const api::Spec& spec, const Until& until) {
  const Facts facts = TRY(gather_facts(spec, until));
  Validation validation;
  validation.findings = judge(facts);
  validation.streams = streams_for(connection_demands(facts), wanted_streams(facts));
  for (const PairFacts& pair : facts.pairs) {
    if (!pair.source.failure) validation.databases.push_back(estimate(pair));
  }
  return validation;
}

}  // namespace tributary::postgres
