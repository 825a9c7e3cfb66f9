#include "engine/postgres/stream/logical_stream.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/base/contain.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/pgoutput/assembler.h"
#include "engine/postgres/replication/replication.h"

namespace tributary::postgres::stream {
namespace {

// What the refusal of START_REPLICATION means for the stream.
Fault fault_of_refusal(const std::string& sqlstate, Fault otherwise) {
  if (sqlstate == "55006") return Fault::transient;                    // object_in_use: somebody streams from it
  if (sqlstate == "42704" || sqlstate == "55000") return Fault::lost;  // no such slot, or it was invalidated
  return otherwise;
}

Result<CopyBoth> start(Connection& session, const LogicalStream::Options& options, const Until& until) {
  const model::Lsn from = options.resumption ? options.resumption->start() : options.start;
  Result<CopyBoth> started = start_replication(session, {options.slot, options.publications, from}, until);
  if (started) return started;
  Error error = within("replication slot " + options.slot, started.error());
  error.fault = fault_of_refusal(session.sqlstate(), error.fault);
  return error;
}

Result<std::string> directory_for(const LogicalStream::Options& options) {
  if (!options.spool_directory.empty()) return options.spool_directory;
  std::error_code failure;
  const std::filesystem::path found = std::filesystem::temp_directory_path(failure);
  if (failure)
    return Error{Fault::failed, "there is no folder for temporary files: " + failure.message(), "set TMPDIR"};
  return found.string();
}

constexpr Milliseconds between_looks{20};

// PostgreSQL 18 passes a publication over that is not there, with this state of a warning; its elders fail.
constexpr std::string_view not_in_prerequisite_state = "55000";

}  // namespace

Result<std::unique_ptr<LogicalStream>> LogicalStream::open(const Resolve& resolve, const Options& options,
                                                           const Until& until) {
  const Parameters parameters = TRY(resolve());
  return open_on(TRY(open_replication_session(parameters, "stream", until)), options, until);
}

Result<std::unique_ptr<LogicalStream>> LogicalStream::open_on(Connection given, const Options& options,
                                                              const Until& until) {
  const std::string directory = TRY(directory_for(options));
  auto session = std::make_unique<Connection>(std::move(given));
  TRY(session->execute("SET client_min_messages = warning; SET wal_sender_timeout = " +
                           std::to_string(options.pulse.sender_timeout.count()),
                       until));
  auto shared = std::make_shared<Shared>(options.queue_bytes);
  shared->source_end = TRY(identify_system(*session, until)).end.value;
  shared->received = options.start.value;
  session->on_notice([flag = &shared->publication_missing](std::string_view sqlstate, std::string_view) {
    if (sqlstate == not_in_prerequisite_state) *flag = true;
  });
  CopyBoth copy = TRY(start(*session, options, until));
  auto receiver = std::make_unique<Receiver>(
      std::move(copy), pgoutput::Assembler(pgoutput::Spool(directory, options.spool_memory)), shared, options.start,
      options.resumption.value_or(Resumption(options.start)), options.batch_bytes, options.pulse);
  std::unique_ptr<LogicalStream> stream(new LogicalStream(shared));
  return contain([&]() -> Result<std::unique_ptr<LogicalStream>> {
    // A server that shuts down waits until the session is closed, not only silent.
    stream->receiver_ = std::jthread(
        [shared, session = std::move(session), receiver = std::move(receiver)](const std::stop_token& stop) mutable {
          const Result<void> ended = contain([&]() -> Result<void> { return receiver->run(stop); });
          receiver.reset();
          session.reset();
          shared->queue.close(ended.error());
        });
    return std::move(stream);
  });
}

Result<void> LogicalStream::await_proof(const Until& until) {
  while (!shared_->is_proven && first_ == nullptr) {
    auto batch = TRY(shared_->queue.take(between_looks, until));
    if (!batch->empty()) first_ = std::move(batch);
  }
  return {};
}

Result<std::shared_ptr<const model::Batch>> LogicalStream::next(Milliseconds wait, const Until& until) {
  if (first_ != nullptr) return std::exchange(first_, nullptr);
  return shared_->queue.take(wait, until);
}

void LogicalStream::confirm(model::Lsn durable) {
  shared_->durable = std::max(shared_->durable.load(), durable.value);
}

pipeline::Reach LogicalStream::reach() const {
  return {{shared_->received}, {shared_->source_end}, WallTime{WallTime::duration{shared_->heard.load()}}};
}

}  // namespace tributary::postgres::stream
