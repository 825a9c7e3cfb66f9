#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/postgres/pgoutput/message.h"
#include "engine/postgres/pgoutput/spool_file.h"

namespace tributary::postgres::pgoutput {

struct SpooledMessage {
  std::uint64_t arrival = 0;  // as it was given
  std::span<const std::byte> bytes;
};

// The messages of one top-level transaction in progress, in order: the earlier ones in a file, the later ones in
// memory. Besides them it keeps some 60 bytes for each subtransaction, as the server keeps several hundred. For one
// thread.
class SpooledTransaction {
 public:
  SpooledTransaction(TransactionId id, std::string directory) : id_(id), file_(std::move(directory)) {}

  // `of` is the transaction itself or one of its subtransactions.
  void append(TransactionId of, std::uint64_t arrival, std::span<const std::byte> message);

  // The subtransaction is undone: its first message goes, and all that came later. Those are its own or of its
  // subtransactions, because subtransactions nest, or of one around it that ends with it: the server reports an abort
  // for each subtransaction that an abort takes with it (decode.c: DecodeAbort). Nothing where none of its messages
  // came.
  Result<void> cut(TransactionId subtransaction);

  std::size_t in_memory() const { return tail_.size(); }
  Result<void> move_to_file();

  // The messages from the first on, one at each call, at last nullopt. The bytes are good until the next call. Nothing
  // may be appended or cut any more.
  Result<std::optional<SpooledMessage>> next();

 private:
  std::uint64_t size() const { return file_.size() + tail_.size(); }
  Result<std::span<const std::byte>> bytes(std::uint64_t offset, std::size_t size);

  TransactionId id_;
  SpoolFile file_;
  std::vector<std::byte> tail_;  // what lies behind the end of the file

  // Where each subtransaction begins, and they in this order.
  std::unordered_map<TransactionId, std::uint64_t> begins_;
  std::vector<TransactionId> order_;
  TransactionId last_ = 0;

  std::uint64_t read_ = 0;         // next() goes on here
  std::vector<std::byte> window_;  // part of the file, from window_begin_ on
  std::uint64_t window_begin_ = 0;
};

}  // namespace tributary::postgres::pgoutput
