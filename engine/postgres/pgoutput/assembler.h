#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/postgres/pgoutput/changes.h"
#include "engine/postgres/pgoutput/message.h"
#include "engine/postgres/pgoutput/spool.h"

namespace tributary::postgres::pgoutput {

// Makes the events of committed transactions, in commit order, of the messages of one connection, given in the order in
// which they came. A transaction that is streamed while it is in progress waits in the spool and follows as a whole
// when it has committed. A rolled-back one leaves no trace.
//
// Events go to whichever batch is given: the caller begins another one when it likes, also in the midst of a
// transaction. An Error is Fault::failed, and the end: a message that is malformed, that is not what may come next, or
// a change that does not fit the description of its table. The assembler is of no use after it, nor on another
// connection, where the server describes tables and streams transactions anew. For one thread.
class Assembler {
 public:
  explicit Assembler(Spool spool) : spool_(std::move(spool)) {}

  // The next message. While replaying() none may be given: first replay() to the end.
  Result<void> take(std::span<const std::byte> message, model::Batch& batch);

  // A streamed transaction has committed, and more of its events are to come than its begin.
  bool replaying() const { return replay_.has_value(); }
  // Adds events of it until the batch takes `byte_limit` bytes or a little more, at least one; its commit is the last.
  // Answers whether there are more. Only while replaying().
  Result<bool> replay(model::Batch& batch, std::size_t byte_limit);

  // Whether `idle` may be added: after a begin the transaction's other events are due. A walEnd that the server gives
  // in a keepalive may be confirmed then, although transactions in progress began below it, and wait in the spool: none
  // of them had committed when it was given, or its commit would have come first. A slot's confirmed position decides
  // only which commits are sent again, those that begin at or above it (decode.c: DecodeTXNNeedSkip,
  // SnapBuildXactNeedsSkip); decoding itself goes on from restart_lsn, which stays at or below the beginning of the
  // oldest transaction in progress (snapbuild.c: SnapBuildProcessRunningXacts), so that a new connection gets such a
  // transaction from its first change. PostgreSQL's own subscriber confirms so too (worker.c: send_feedback looks at
  // committed transactions alone).
  bool between_transactions() const { return !open_ && !replay_; }

 private:
  struct Replay {
    SpooledTransaction transaction;
    Commit commit;
  };

  Result<void> keep(const Message& message, std::span<const std::byte> bytes);
  Result<void> check_place(const Message& message) const;
  Result<void> control(const Message& message, model::Batch& batch);
  Result<void> begin(const Begin& transaction, model::Batch& batch);
  Result<void> end(const Commit& commit, model::Batch& batch);

  Changes changes_;
  Spool spool_;
  std::uint64_t arrival_ = 0;
  model::Lsn reached_;           // the end of the last transaction
  std::optional<Begin> open_;    // a transaction that is not streamed
  TransactionId streaming_ = 0;  // whose stream the next message is in
  std::optional<Replay> replay_;
};

}  // namespace tributary::postgres::pgoutput
