#include "engine/postgres/preflight/preflight.h"

#include <algorithm>

#include "engine/pipeline/estimate.h"
#include "engine/postgres/preflight/preflight_checks.h"

namespace tributary::postgres {
namespace {

DatabaseEstimate estimate(const PairFacts& pair) {
  DatabaseEstimate found;
  found.database = pair.source_name;
  found.target = pair.target_name;
  found.tables = pair.source.tables.size();
  for (const CatalogTable& table : pair.source.tables) found.bytes += table.table.bytes;
  found.total_bytes = pair.source.facts.bytes.value_or(0);
  found.duration = pipeline::estimated_time(found.tables, found.bytes);
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
