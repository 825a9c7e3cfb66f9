#include "engine/cli/unasked.h"

#include "engine/cli/consent.h"
#include "engine/pipeline/refusal.h"

namespace tributary::cli {

// Another error speaks first: it may pass.
Result<std::vector<api::Finding>> Unasked::preflight(const Until& until) {
  std::vector<api::Finding> findings = TRY(servers_.preflight(until));
  if (pipeline::first_error(findings) != nullptr) return findings;
  for (api::Finding& finding : findings) {
    if (!is_drop(finding)) continue;
    finding = {api::Severity::error, "NotConfirmed", finding.subject,
               "not confirmed, for it was not known when that could be asked: " + finding.message,
               "run it again and answer yes, or add --yes"};
  }
  return findings;
}

Result<std::vector<pipeline::DatabasePair>> Unasked::databases(const Until& until) {
  return servers_.databases(until);
}

Result<std::unique_ptr<pipeline::Source>> Unasked::source(const pipeline::DatabasePair& databases, const Until& until) {
  return servers_.source(databases, until);
}

Result<std::unique_ptr<pipeline::Link>> Unasked::link(const pipeline::DatabasePair& databases, const Until& until) {
  return servers_.link(databases, until);
}

std::unique_ptr<pipeline::DrainEnds> Unasked::drain(const pipeline::DatabasePair& databases) {
  return servers_.drain(databases);
}

Result<void> Unasked::drop_stream(const pipeline::DatabasePair& databases, const pipeline::StreamObjects& stream,
                                  std::optional<model::Lsn> reached, const Until& until) {
  return servers_.drop_stream(databases, stream, reached, until);
}

Result<int> Unasked::parallelism(const Until& until) {
  return servers_.parallelism(until);
}

}  // namespace tributary::cli
