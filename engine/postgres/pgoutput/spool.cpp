#include "engine/postgres/pgoutput/spool.h"

#include <algorithm>
#include <utility>

namespace tributary::postgres::pgoutput {

Result<void> Spool::begin(TransactionId transaction, bool first) {
  if (!first) {
    TRY(known(transaction));
    return {};
  }
  if (transactions_.try_emplace(transaction, transaction, directory_).second) return {};
  return Error{Fault::failed, "the stream of transaction " + std::to_string(transaction) + " begins a second time"};
}

Result<void> Spool::append(TransactionId transaction, TransactionId of, std::uint64_t arrival,
                           std::span<const std::byte> message) {
  SpooledTransaction& spooled = *TRY(known(transaction));
  const std::size_t before = spooled.in_memory();
  spooled.append(of, arrival, message);
  in_memory_ += spooled.in_memory() - before;
  return keep_to_memory();
}

// The largest, so that few have files.
Result<void> Spool::keep_to_memory() {
  while (in_memory_ > memory_) {
    SpooledTransaction& largest =
        std::max_element(transactions_.begin(), transactions_.end(), [](const auto& one, const auto& other) {
          return one.second.in_memory() < other.second.in_memory();
        })->second;
    in_memory_ -= largest.in_memory();
    TRY(largest.move_to_file());
  }
  return {};
}

Result<void> Spool::abort(TransactionId transaction, TransactionId subtransaction) {
  SpooledTransaction& spooled = *TRY(known(transaction));
  in_memory_ -= spooled.in_memory();
  if (subtransaction == transaction) {
    transactions_.erase(transaction);
    return {};
  }
  TRY(spooled.cut(subtransaction));
  in_memory_ += spooled.in_memory();
  return {};
}

Result<SpooledTransaction> Spool::commit(TransactionId transaction) {
  SpooledTransaction& spooled = *TRY(known(transaction));
  in_memory_ -= spooled.in_memory();
  SpooledTransaction committed = std::move(spooled);
  transactions_.erase(transaction);
  return committed;
}

Result<SpooledTransaction*> Spool::known(TransactionId transaction) {
  const auto found = transactions_.find(transaction);
  if (found != transactions_.end()) return &found->second;
  return Error{Fault::failed, "transaction " + std::to_string(transaction) + " is not being streamed"};
}

}  // namespace tributary::postgres::pgoutput
