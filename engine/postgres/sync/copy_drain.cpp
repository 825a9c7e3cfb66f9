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
  owner_ = {source_->key, options_.attempt, epoch};
  Connection session = TRY(open_stream_session(options_, *source_, "applier", until));
  return apply::open_applier(std::move(session), owner_, until);
}

Result<std::unique_ptr<pipeline::ChangeStream>> CopyDrain::stream(const pipeline::StreamPosition& position,
                                                                  const Until& until) {
  stream::LogicalStream::Options options;
  options.slot = row_->slot;
  options.publications = {row_->publication};
  options.start = position.applied;
  options.resumption.emplace(position, standing_.confirmed);
  std::unique_ptr<stream::LogicalStream> opened = TRY(stream::LogicalStream::open(options_.source, options, until));
  const Result<void> proven = opened->await_proof(until);
  if (!proven && proven.error().fault == Fault::lost) TRY(record_end(proven.error(), until));
  if (!proven) return proven.error();
  return std::unique_ptr<pipeline::ChangeStream>(std::move(opened));
}

// Else the next attempt would go on from there once more.
Result<void> CopyDrain::record_end(const Error& why, const Until& until) {
  Connection session = TRY(open_stream_session(options_, *source_, "status", until));
  return record_end_of_stream(session, owner_, why, until);
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
