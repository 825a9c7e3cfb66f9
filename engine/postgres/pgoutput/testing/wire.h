#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Messages of pgoutput as a server writes them. `xid` is that of messages inside a stream, 0 outside.
namespace tributary::postgres::pgoutput::wire {

struct Cell {
  char kind = 'n';
  std::string text = {};
};
using Cells = std::vector<Cell>;

inline Cell text(std::string value) {
  return {'t', std::move(value)};
}
inline Cell null() {
  return {};
}
inline Cell unchanged() {
  return {'u'};
}

struct Column {
  std::string name;
  std::uint8_t flags = 0;
  std::uint32_t type = 25;
  std::int32_t modifier = -1;
};

// Microseconds since 2000-01-01.
using Time = std::int64_t;

// Big-endian.
std::string int16(std::uint64_t value);
std::string int32(std::uint64_t value);
std::string int64(std::uint64_t value);

std::string begin(std::uint64_t final_lsn, Time time, std::uint32_t transaction);
std::string commit(std::uint64_t lsn, std::uint64_t end, Time time);
std::string origin(std::uint64_t lsn, const std::string& name);
std::string relation(std::uint32_t id, const std::string& schema, const std::string& name, char identity,
                     const std::vector<Column>& columns, std::uint32_t xid = 0);
std::string type(std::uint32_t id, const std::string& schema, const std::string& name, std::uint32_t xid = 0);
std::string insert(std::uint32_t relation, const Cells& row, std::uint32_t xid = 0);
std::string update(std::uint32_t relation, const Cells& row, std::uint32_t xid = 0);
// `old_kind` is 'K' or 'O'.
std::string update(std::uint32_t relation, char old_kind, const Cells& old_row, const Cells& row,
                   std::uint32_t xid = 0);
std::string remove(std::uint32_t relation, char old_kind, const Cells& old_row, std::uint32_t xid = 0);
std::string truncate(const std::vector<std::uint32_t>& relations, std::uint8_t flags, std::uint32_t xid = 0);
std::string message(bool transactional, std::uint64_t lsn, const std::string& prefix, const std::string& content,
                    std::uint32_t xid = 0);
std::string stream_start(std::uint32_t transaction, bool first);
std::string stream_stop();
std::string stream_commit(std::uint32_t transaction, std::uint64_t lsn, std::uint64_t end, Time time);
std::string stream_abort(std::uint32_t transaction, std::uint32_t subtransaction);
std::string stream_abort(std::uint32_t transaction, std::uint32_t subtransaction, std::uint64_t lsn, Time time);

// One of each kind, as it stands outside a stream and inside one.
struct Sample {
  std::string name;
  std::string bytes;
  bool in_stream = false;
};
std::vector<Sample> samples();

// What a server says in a few transactions of every sort; each message is in its place.
std::vector<std::string> conversation();

inline std::span<const std::byte> bytes(std::string_view message) {
  return std::as_bytes(std::span(message));
}

}  // namespace tributary::postgres::pgoutput::wire
