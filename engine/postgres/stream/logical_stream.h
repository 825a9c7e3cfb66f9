#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/change_stream.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/stream/receiver.h"
#include "engine/postgres/stream/resumption.h"

namespace tributary::postgres::stream {

// The changes of one database of PostgreSQL, from its logical slot. A thread owns the replication connection and the
// memory that waits for next(); both end with the object, at once and whatever the server does. Nothing is confirmed
// to the server but what confirm() says. Reach::source_end is how far the server has decoded or, before that, where
// its log ended when the stream was opened: it may lie behind the log's end now.
class LogicalStream final : public pipeline::ChangeStream {
 public:
  struct Options {
    std::string slot;
    std::vector<std::string> publications;
    model::Lsn start;  // the ledger's position: what ends at or below it is not delivered
    // Where the source's log is to show that the ledger's position lies in it: until then nothing is delivered or
    // confirmed, and Fault::lost is the end of the stream where it does not.
    std::optional<Resumption> resumption = {};
    std::string spool_directory;  // for transactions in progress that are large; the system's where it is ""
    std::size_t spool_memory = 8 * 1024 * 1024;  // before they go there
    std::size_t queue_bytes = 16 * 1024 * 1024;  // received and not yet taken
    std::size_t batch_bytes = 256 * 1024;        // that a batch is filled with where more has come already
    Pulse pulse = {};
  };

  // Parameters of the database, asked at each open: credentials may have been exchanged meanwhile.
  using Resolve = std::function<Result<Parameters>()>;

  // Tries once. Hold the slot against the ledger before (slot_verdict.h): the server starts at the slot's own confirmed
  // position where that is higher, and does not say so. Fault::lost where the slot is gone or not usable any more,
  // Fault::transient where another session uses it.
  static Result<std::unique_ptr<LogicalStream>> open(const Resolve& resolve, const Options& options,
                                                     const Until& until);
  // The same on a session of open_replication_session() that is given, as where it owns a temporary slot: with the
  // stream it ends.
  static Result<std::unique_ptr<LogicalStream>> open_on(Connection session, const Options& options, const Until& until);
  ~LogicalStream() override = default;

  // Returns when the log is proven (Options::resumption), or why it is not. By the thread of next().
  Result<void> await_proof(const Until& until);

  Result<std::shared_ptr<const model::Batch>> next(Milliseconds wait, const Until& until) override;
  void confirm(model::Lsn durable) override;
  pipeline::Reach reach() const override;

 private:
  explicit LogicalStream(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<const model::Batch> first_;  // came while the proof was waited for
  std::jthread receiver_;
};

}  // namespace tributary::postgres::stream
