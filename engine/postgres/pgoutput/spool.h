#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/base/result.h"
#include "engine/postgres/pgoutput/message.h"
#include "engine/postgres/pgoutput/spooled_transaction.h"

namespace tributary::postgres::pgoutput {

// The transactions in progress that the server streams, until they end. All together they take up to `memory` bytes;
// beyond that the one that takes the most goes into a nameless temporary file in `directory`, which must be there by
// then. A full disk is Fault::failed and names it. For one thread.
class Spool {
 public:
  explicit Spool(std::string directory, std::size_t memory = 8 * 1024 * 1024)
      : directory_(std::move(directory)), memory_(memory) {}

  // The server begins to stream a run of the transaction's messages; its `first` makes it known, which is Fault::failed
  // where it is known already, as is another run of one that is not.
  Result<void> begin(TransactionId transaction, bool first);

  // A message of a transaction that is known; `of` is it or one of its subtransactions. `arrival` comes back with it.
  Result<void> append(TransactionId transaction, TransactionId of, std::uint64_t arrival,
                      std::span<const std::byte> message);

  // The subtransaction, or the transaction where both are the same, is undone. Fault::failed where it is not known.
  Result<void> abort(TransactionId transaction, TransactionId subtransaction);

  // The transaction has committed: hands it out, to be read. Fault::failed where it is not known.
  Result<SpooledTransaction> commit(TransactionId transaction);

 private:
  Result<SpooledTransaction*> known(TransactionId transaction);
  Result<void> keep_to_memory();

  std::string directory_;
  std::size_t memory_;
  std::size_t in_memory_ = 0;
  std::unordered_map<TransactionId, SpooledTransaction> transactions_;
};

}  // namespace tributary::postgres::pgoutput
