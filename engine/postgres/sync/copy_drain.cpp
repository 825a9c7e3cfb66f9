#include "engine/postgres/sync/copy_drain.h"

#include <utility>

#include "engine/postgres/apply/applier.h"
#include "engine/postgres/stream/logical_stream.h"
#include "engine/postgres/sync/options.h"

namespace tributary::postgres::sync {

Result<std::unique_ptr<pipeline::Applier>> CopyDrain::applier(std::int64_t epoch, const Until& until) {
  source_ = TRY(look_at_source(options_, until));
  Claimed seen = TRY(look_at_target(options_, *source_, until));
  if (!seen.replication || !seen.stream)
    return Error{Fault::lost, "the target's ledger has no stream of replication " + source_->key};
  standing_ = TRY(check_position(options_, *source_, seen, until));
  row_ = seen.stream;
  Connection session = TRY(open_stream_session(options_, *source_, "applier", until));
  return apply::open_applier(std::move(session), {source_->key, options_.attempt, epoch}, until);
}

Result<std::unique_ptr<pipeline::ChangeStream>> CopyDrain::stream(const pipeline::StreamPosition& position,
                                                                  const Until& until) {
  stream::LogicalStream::Options options;
  options.slot = row_->slot;
  options.publications = {row_->publication};
  options.start = position.applied;
  options.resumption.emplace(position, standing_.confirmed);
  return std::unique_ptr<pipeline::ChangeStream>(TRY(stream::LogicalStream::open(options_.source, options, until)));
}

Result<pipeline::SlotHealth> CopyDrain::look_at_slot(const Until& until) {
  return sight_.look(until);
}

OpenDrain drain_of(const api::Spec& spec) {
  return [&spec](const pipeline::DatabasePair& databases) -> std::unique_ptr<pipeline::DrainEnds> {
    const Result<pipeline::Selection> selection = pipeline::Selection::parse(spec.selection);
    if (!selection) return nullptr;  // refused by whoever lists the databases
    return std::make_unique<CopyDrain>(stream_options(spec, *selection, databases));
  };
}

}  // namespace tributary::postgres::sync
