#include "engine/postgres/pgoutput/spooled_transaction.h"

#include <algorithm>
#include <cstring>

namespace tributary::postgres::pgoutput {
namespace {

// A record: length of the message, number of its arrival, the message. Never on two machines: in native byte order.
using Length = std::uint32_t;
using Arrival = std::uint64_t;
constexpr std::size_t header_size = sizeof(Length) + sizeof(Arrival);

constexpr std::size_t window_size = 256 * 1024;

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

void SpooledTransaction::append(TransactionId of, std::uint64_t arrival, std::span<const std::byte> message) {
  if (of != id_ && of != last_ && begins_.try_emplace(of, size()).second) order_.push_back(of);
  last_ = of;
  put(tail_, static_cast<Length>(message.size()));
  put(tail_, Arrival{arrival});
  tail_.insert(tail_.end(), message.begin(), message.end());
}

Result<void> SpooledTransaction::cut(TransactionId subtransaction) {
  const auto found = begins_.find(subtransaction);
  if (found == begins_.end()) return {};
  const std::uint64_t begin = found->second;
  while (!order_.empty() && begins_.at(order_.back()) >= begin) {
    begins_.erase(order_.back());
    order_.pop_back();
  }
  last_ = 0;
  tail_.resize(begin > file_.size() ? static_cast<std::size_t>(begin - file_.size()) : 0);
  return file_.cut(begin);
}

Result<void> SpooledTransaction::move_to_file() {
  TRY(file_.append(tail_));
  std::vector<std::byte>().swap(tail_);
  return {};
}

Result<std::optional<SpooledMessage>> SpooledTransaction::next() {
  if (read_ == size()) return std::optional<SpooledMessage>();
  Length length = 0;
  SpooledMessage message;
  const std::span<const std::byte> header = TRY(bytes(read_, header_size));
  std::memcpy(&length, header.data(), sizeof(length));
  std::memcpy(&message.arrival, header.data() + sizeof(length), sizeof(message.arrival));
  message.bytes = TRY(bytes(read_ + header_size, length));
  read_ += header_size + length;
  return std::optional(message);
}

// A record lies in the file or in memory, never in both. Offsets only rise.
Result<std::span<const std::byte>> SpooledTransaction::bytes(std::uint64_t offset, std::size_t size) {
  if (offset >= file_.size()) return std::span<const std::byte>(tail_).subspan(offset - file_.size(), size);
  if (offset + size > window_begin_ + window_.size()) {
    const std::size_t wanted = std::max(window_size, size);
    window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, file_.size() - offset)));
    window_begin_ = offset;
    TRY(file_.read(offset, window_));
  }
  return std::span<const std::byte>(window_).subspan(offset - window_begin_, size);
}

}  // namespace tributary::postgres::pgoutput
