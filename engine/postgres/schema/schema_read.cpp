#include "engine/postgres/schema/schema_read.h"

#include "engine/postgres/schema/dump.h"
#include "engine/postgres/schema/schema_facts.h"
#include "engine/postgres/schema/schema_selection.h"
#include "engine/postgres/schema/schema_steps.h"

namespace tributary::postgres {
namespace {

void report_left_out(const SchemaFacts& facts, const SchemaRequest& request, std::vector<api::Finding>& findings) {
  for (const InvalidIndex& index : facts.invalid_indexes) {
    if (!request.selects(index.table)) continue;
    findings.push_back({api::Severity::warning, "InvalidIndexLeftOut", "index " + model::display(index.name),
                        "it is invalid on the source, so a copy does not have it",
                        "REINDEX or drop it on the source; create it on the target if it is wanted"});
  }
  for (const std::string& subscription : facts.subscriptions) {
    findings.push_back({api::Severity::warning, "SubscriptionLeftOut", "subscription " + subscription,
                        "subscriptions are not copied: two subscribers would share one slot",
                        "create it on the target once the source is retired"});
  }
  if (facts.has_lz4_columns && !request.target.lz4) {
    findings.push_back({api::Severity::warning, "CompressionMethodLeftOut", "target",
                        "the server does not know lz4, so columns are compressed by its own default method", ""});
  }
}

// Sequences that the kept entries create, in the order of their names.
std::vector<Sequence> kept_sequences(const Toc& toc, const std::vector<bool>& kept, const SchemaFacts& facts) {
  std::vector<Sequence> sequences;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i] || toc.entries[i].type != "SEQUENCE") continue;
    const auto found = facts.relations.find(toc.entries[i].object);
    if (found != facts.relations.end()) sequences.push_back({found->first, found->second.name});
  }
  return sequences;
}

}  // namespace

Result<SourceSchema> read_schema(Connection& source, const SchemaRequest& request, std::vector<api::Finding>& findings,
                                 const Until& until) {
  DumpRequest dump;
  dump.pg_dump = request.pg_dump;
  dump.source = request.source;
  dump.snapshot = request.snapshot;
  dump.lock_timeout = request.lock_timeout;
  // In a database of unknown encoding the bytes of names and bodies pass as they are.
  dump.encoding = source.reported("server_encoding") == "SQL_ASCII" ? "SQL_ASCII" : "UTF8";
  const SchemaFacts facts = TRY(read_schema_facts(source, until));
  dump.compression_methods = request.target.lz4 || !facts.has_lz4_columns;
  const Toc toc = TRY(dump_schema(dump, until));
  const std::vector<bool> kept = select_entries(toc, facts, request.selects, request.has, findings);
  SourceSchema result;
  result.schema = schema_steps(toc, kept, facts, request.selects, request.target, findings);
  result.sequences = kept_sequences(toc, kept, facts);
  report_left_out(facts, request, findings);
  return result;
}

}  // namespace tributary::postgres
