#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/model/lsn.h"

// The messages of pgoutput, PostgreSQL's logical replication plugin, as they come inside XLogData: protocol versions 1
// (PostgreSQL 10-13), 2 (14, streaming of transactions in progress) and 4 (16, more about aborts of those). Not asked
// for and therefore refused: two-phase commit (version 3) and values in binary form. Pure, for any thread.
namespace tributary::postgres::pgoutput {

using TransactionId = std::uint32_t;
using RelationId = std::uint32_t;

// MaxHeapAttributeNumber of PostgreSQL.
inline constexpr std::size_t most_columns = 1600;

struct Begin {
  model::Lsn final_lsn;  // where the commit record begins
  WallTime time;         // of the commit
  TransactionId transaction = 0;
};

struct Commit {
  model::Lsn lsn;  // where the commit record begins
  model::Lsn end;  // behind it
  WallTime time;
};

// The transaction came to the source from elsewhere.
struct Origin {
  model::Lsn lsn;  // of the commit over there; zero in a stream
  std::string_view name;
};

// Describes a table, before its first change and again after anything about it has changed.
struct Relation {
  std::shared_ptr<const model::LogTable> table;
};

// Names a type that a described table uses and that is not built in.
struct Type {
  std::uint32_t id = 0;
  std::string_view schema;
  std::string_view name;
};

// A row as it was sent, known to be well formed. read_row() takes it apart.
struct Tuple {
  std::uint16_t columns = 0;
  std::string_view encoded;
};

struct Insert {
  RelationId relation = 0;
  Tuple new_row;
};

// What an update or a delete says of the row that was.
enum class OldRow {
  none,   // its identity is that of the new row
  key,    // the columns that identify it; the others come as null
  whole,  // all columns
};

struct Update {
  RelationId relation = 0;
  OldRow old_is = OldRow::none;
  Tuple old_row;
  Tuple new_row;
};

struct Delete {
  RelationId relation = 0;
  OldRow old_is = OldRow::key;  // never none
  Tuple old_row;
};

struct Truncate {
  bool cascade = false;
  bool restart_identity = false;
  std::vector<RelationId> relations;
};

// What somebody wrote with pg_logical_emit_message().
struct LogicalMessage {
  bool transactional = false;
  model::Lsn lsn;
  std::string_view prefix;
  std::string_view content;
};

// A run of messages of a transaction in progress begins.
struct StreamStart {
  TransactionId transaction = 0;  // the top-level one
  bool first = false;             // of this transaction on this connection
};

struct StreamStop {};

struct StreamCommit {
  TransactionId transaction = 0;
  Commit commit;
};

// Of the whole transaction where both are the same.
struct StreamAbort {
  TransactionId transaction = 0;
  TransactionId subtransaction = 0;
};

struct Message {
  // Inside a stream: the transaction or subtransaction that the message is of. Zero outside, and for what belongs to
  // the stream as such.
  TransactionId transaction = 0;
  std::variant<Begin, Commit, Origin, Relation, Type, Insert, Update, Delete, Truncate, LogicalMessage, StreamStart,
               StreamStop, StreamCommit, StreamAbort>
      body;
};

// What kind of message it is, in lower-case words.
const char* name_of(const Message& message);

// One message, whole. Views in it lead into `input`. `in_stream`: it came between StreamStart and StreamStop. Whatever
// is not exactly as the grammar says is Fault::failed, with the kind of message and what is wrong, never a value.
Result<Message> decode(std::span<const std::byte> input, bool in_stream);

// Fills `row`, which has tuple.columns values, with views into tuple.encoded, a copy of which may have taken its place
// since the tuple was decoded.
void read_row(const Tuple& tuple, std::span<model::Value> row);

}  // namespace tributary::postgres::pgoutput
