#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput::wire {
namespace {

std::string number(std::uint64_t value, int size) {
  std::string written;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) written += static_cast<char>(value >> shift & 255);
  return written;
}

std::string int8(std::uint64_t value) {
  return number(value, 1);
}

std::string string(const std::string& value) {
  return value + '\0';
}

std::string head(char letter, std::uint32_t xid) {
  return std::string(1, letter) + (xid != 0 ? int32(xid) : "");
}

std::string tuple(char kind, const Cells& row) {
  std::string written = kind + int16(row.size());
  for (const Cell& cell : row) {
    written += cell.kind;
    if (cell.kind == 't' || cell.kind == 'b') written += int32(cell.text.size()) + cell.text;
  }
  return written;
}

std::string time_of(Time time) {
  return int64(static_cast<std::uint64_t>(time));
}

const std::vector<Column> order_columns{{"id", 1, 23}, {"note"}, {"amount", 0, 1700, 655366}};

}  // namespace

std::string int16(std::uint64_t value) {
  return number(value, 2);
}

std::string int32(std::uint64_t value) {
  return number(value, 4);
}

std::string int64(std::uint64_t value) {
  return number(value, 8);
}

std::string begin(std::uint64_t final_lsn, Time time, std::uint32_t transaction) {
  return "B" + int64(final_lsn) + time_of(time) + int32(transaction);
}

std::string commit(std::uint64_t lsn, std::uint64_t end, Time time) {
  return "C" + int8(0) + int64(lsn) + int64(end) + time_of(time);
}

std::string origin(std::uint64_t lsn, const std::string& name) {
  return "O" + int64(lsn) + string(name);
}

std::string relation(std::uint32_t id, const std::string& schema, const std::string& name, char identity,
                     const std::vector<Column>& columns, std::uint32_t xid) {
  std::string written = head('R', xid) + int32(id) + string(schema) + string(name) + identity + int16(columns.size());
  for (const Column& column : columns) {
    written += int8(column.flags) + string(column.name) + int32(column.type) +
               int32(static_cast<std::uint32_t>(column.modifier));
  }
  return written;
}

std::string type(std::uint32_t id, const std::string& schema, const std::string& name, std::uint32_t xid) {
  return head('Y', xid) + int32(id) + string(schema) + string(name);
}

std::string insert(std::uint32_t relation, const Cells& row, std::uint32_t xid) {
  return head('I', xid) + int32(relation) + tuple('N', row);
}

std::string update(std::uint32_t relation, const Cells& row, std::uint32_t xid) {
  return head('U', xid) + int32(relation) + tuple('N', row);
}

std::string update(std::uint32_t relation, char old_kind, const Cells& old_row, const Cells& row, std::uint32_t xid) {
  return head('U', xid) + int32(relation) + tuple(old_kind, old_row) + tuple('N', row);
}

std::string remove(std::uint32_t relation, char old_kind, const Cells& old_row, std::uint32_t xid) {
  return head('D', xid) + int32(relation) + tuple(old_kind, old_row);
}

std::string truncate(const std::vector<std::uint32_t>& relations, std::uint8_t flags, std::uint32_t xid) {
  std::string written = head('T', xid) + int32(relations.size()) + int8(flags);
  for (const std::uint32_t relation : relations) written += int32(relation);
  return written;
}

std::string message(bool transactional, std::uint64_t lsn, const std::string& prefix, const std::string& content,
                    std::uint32_t xid) {
  return head('M', xid) + int8(transactional ? 1 : 0) + int64(lsn) + string(prefix) + int32(content.size()) + content;
}

std::string stream_start(std::uint32_t transaction, bool first) {
  return "S" + int32(transaction) + int8(first ? 1 : 0);
}

std::string stream_stop() {
  return "E";
}

std::string stream_commit(std::uint32_t transaction, std::uint64_t lsn, std::uint64_t end, Time time) {
  return "c" + int32(transaction) + int8(0) + int64(lsn) + int64(end) + time_of(time);
}

std::string stream_abort(std::uint32_t transaction, std::uint32_t subtransaction) {
  return "A" + int32(transaction) + int32(subtransaction);
}

std::string stream_abort(std::uint32_t transaction, std::uint32_t subtransaction, std::uint64_t lsn, Time time) {
  return stream_abort(transaction, subtransaction) + int64(lsn) + time_of(time);
}

std::vector<Sample> samples() {
  const Cells row{text("1"), text("a note"), null()};
  const Cells key{text("1"), null(), null()};
  std::vector<Sample> all{
      {"begin", begin(0x1000, 5, 700)},
      {"commit", commit(0x1000, 0x1030, 5)},
      {"origin", origin(0x77, "elsewhere")},
      {"origin", origin(0, "elsewhere"), true},
      {"stream start", stream_start(700, true)},
      {"stream stop", stream_stop(), true},
      {"stream commit", stream_commit(700, 0x1000, 0x1030, 5)},
      {"stream abort", stream_abort(700, 701)},
      {"stream abort of version 4", stream_abort(700, 701, 0x900, 5)},
  };
  for (const std::uint32_t xid : {0U, 700U}) {
    for (const auto& [name, written] : std::vector<std::pair<const char*, std::string>>{
             {"relation", relation(16385, "public", "orders", 'd', order_columns, xid)},
             {"type", type(16500, "public", "mood", xid)},
             {"insert", insert(16385, row, xid)},
             {"update", update(16385, {text("1"), unchanged(), text("9.50")}, xid)},
             {"update of a key", update(16385, 'K', key, row, xid)},
             {"update of a whole row", update(16385, 'O', row, row, xid)},
             {"delete by key", remove(16385, 'K', key, xid)},
             {"delete of a whole row", remove(16385, 'O', row, xid)},
             {"truncate", truncate({16385, 16390}, 3, xid)},
             {"logical message", message(true, 0x900, "prefix", "content", xid)},
         }) {
      all.push_back({name, written, xid != 0});
    }
  }
  return all;
}

std::vector<std::string> conversation() {
  const auto orders = [](std::uint32_t xid) { return relation(16385, "public", "orders", 'd', order_columns, xid); };
  const auto whole = [](std::uint32_t xid) {
    return relation(16390, "", "odd", 'f', {{"a", 1}, {"b", 1, 16500}}, xid);
  };
  const Cells row{text("1"), text("a note"), null()};
  return {
      begin(0x1000, 5, 700),
      origin(0x77, "elsewhere"),
      orders(0),
      insert(16385, row),
      type(16500, "public", "mood"),
      whole(0),
      insert(16390, {text("x"), null()}),
      commit(0x1000, 0x1030, 5),
      stream_start(800, true),
      origin(0, "elsewhere"),
      orders(800),
      insert(16385, row, 800),
      insert(16385, row, 801),
      stream_stop(),
      message(false, 0x1100, "prefix", "content"),
      begin(0x1200, 6, 701),
      update(16385, {text("1"), unchanged(), text("2")}),
      update(16385, 'K', {text("1"), null(), null()}, {text("2"), text("b"), null()}),
      message(true, 0x1190, "prefix", "content"),
      remove(16390, 'O', {text("x"), null()}),
      commit(0x1200, 0x1230, 6),
      stream_start(800, false),
      whole(802),
      remove(16390, 'O', {text("x"), null()}, 802),
      stream_stop(),
      stream_abort(800, 802),
      stream_start(900, true),
      orders(900),
      truncate({16385}, 1, 900),
      stream_stop(),
      stream_abort(900, 900, 0x1300, 7),
      stream_start(800, false),
      whole(800),
      update(16390, 'O', {text("x"), null()}, {text("y"), null()}, 800),
      stream_stop(),
      stream_commit(800, 0x1400, 0x1430, 8),
      begin(0x1500, 9, 702),
      truncate({16385, 16390}, 3),
      remove(16385, 'K', {text("1"), null(), null()}),
      commit(0x1500, 0x1530, 9),
  };
}

}  // namespace tributary::postgres::pgoutput::wire
