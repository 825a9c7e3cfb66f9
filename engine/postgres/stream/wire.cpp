#include "engine/postgres/stream/wire.h"

#include <chrono>
#include <cstdint>
#include <string>

// The grammar, from the PostgreSQL documentation, "Streaming Replication Protocol" (integers are big-endian, times
// microseconds since 2000-01-01 UTC):
//
//   server:  XLogData   'w' Int64 start of the data, Int64 end of WAL, Int64 time, Byte* data
//            Keepalive  'k' Int64 end of WAL, Int64 time, Int8 1: answer at once
//   client:  Status     'r' Int64 written, Int64 flushed, Int64 applied, Int64 time, Int8 1: answer at once
//
// For logical decoding both positions of XLogData are that of the change.
namespace tributary::postgres::stream {
namespace {

constexpr std::size_t log_data_header = 25;
constexpr std::size_t keepalive_size = 18;
constexpr std::chrono::seconds epoch_2000{946'684'800};

std::uint64_t int64_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

void put_int64(StatusBytes& bytes, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<std::byte>(value >> (56 - 8 * i) & 0xff);
}

Error malformed(const std::string& what) {
  return Error{Fault::failed, "the source's replication message is malformed: " + what};
}

}  // namespace

Result<std::variant<LogData, Keepalive>> parse_message(std::span<const std::byte> input) {
  using Message = std::variant<LogData, Keepalive>;
  if (input.empty()) return malformed("it is empty");
  const char kind = static_cast<char>(input[0]);
  if (kind == 'w') {
    if (input.size() < log_data_header) return malformed("XLogData of " + std::to_string(input.size()) + " bytes");
    return Message{LogData{{int64_at(input, 1)}, input.subspan(log_data_header)}};
  }
  if (kind == 'k') {
    if (input.size() != keepalive_size) return malformed("a keepalive of " + std::to_string(input.size()) + " bytes");
    return Message{Keepalive{{int64_at(input, 1)}, input[keepalive_size - 1] != std::byte{0}}};
  }
  return malformed("unknown kind " + std::to_string(static_cast<unsigned char>(kind)));
}

StatusBytes encode(const Status& status) {
  using std::chrono::microseconds;
  StatusBytes bytes{};
  bytes[0] = static_cast<std::byte>('r');
  put_int64(bytes, 1, status.received.value);
  put_int64(bytes, 9, status.durable.value);
  put_int64(bytes, 17, status.durable.value);
  const auto since_2000 = std::chrono::duration_cast<microseconds>(status.time.time_since_epoch() - epoch_2000);
  put_int64(bytes, 25, static_cast<std::uint64_t>(since_2000.count()));
  bytes[33] = static_cast<std::byte>(status.asks ? 1 : 0);
  return bytes;
}

}  // namespace tributary::postgres::stream
