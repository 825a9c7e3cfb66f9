#include "engine/postgres/pgoutput/message.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "engine/postgres/pgoutput/fields.h"

// The grammar, after "Logical Replication Message Formats" in PostgreSQL's documentation. Integers are big-endian, a
// string ends with a NUL, a time is microseconds since 2000-01-01 UTC. [xid] is an Int32 that stands there inside a
// stream only, and then is never zero.
//
//   Begin          'B' final:Int64 time:Int64 xid:Int32                                       final is not zero
//   Commit         'C' flags:Int8=0 lsn:Int64 end:Int64 time:Int64                            end is behind lsn
//   Origin         'O' lsn:Int64 name:String                                                  never with an xid
//   Relation       'R' [xid] id:Int32 schema:String name:String identity:Int8 n:Int16 Column{n}
//                      schema is empty for pg_catalog; identity is 'd', 'n', 'f' or 'i'; n <= 1600
//     Column           flags:Int8=0|1 name:String type:Int32 modifier:Int32                   1: part of the identity
//   Type           'Y' [xid] id:Int32 schema:String name:String
//   Insert         'I' [xid] relation:Int32 'N' Tuple
//   Update         'U' [xid] relation:Int32 ('K' Tuple | 'O' Tuple)? 'N' Tuple
//   Delete         'D' [xid] relation:Int32 ('K' Tuple | 'O' Tuple)
//     Tuple            n:Int16 Value{n}                                                       n <= 1600
//     Value            'n' | 'u' | 't' length:Int32 Byte{length}      null, unchanged (not in an old row), text
//   Truncate       'T' [xid] n:Int32 flags:Int8=0..3 relation:Int32{n}                        1: cascade, 2: identity
//   Message        'M' [xid] flags:Int8=0|1 lsn:Int64 prefix:String length:Int32 Byte{length} 1: transactional
//   Stream Start   'S' xid:Int32 first:Int8=0|1
//   Stream Stop    'E'
//   Stream Commit  'c' xid:Int32 flags:Int8=0 lsn:Int64 end:Int64 time:Int64
//   Stream Abort   'A' xid:Int32 subxid:Int32 (lsn:Int64 time:Int64)?     version 4, streaming = parallel
namespace tributary::postgres::pgoutput {
namespace {

using Body = decltype(Message::body);

std::string quoted(std::uint8_t byte) {
  constexpr const char* digits = "0123456789abcdef";
  if (byte > 0x20 && byte < 0x7f) return std::string("'") + static_cast<char>(byte) + "'";
  return std::string("0x") + digits[byte >> 4] + digits[byte & 15];
}

// A set of flags that this protocol knows; `known` are its bits.
std::uint8_t flags(Fields& fields, std::uint8_t known) {
  const std::uint8_t value = fields.int8("its flags");
  if ((value & ~known) != 0) fields.complain("has unknown flags " + quoted(value));
  return value;
}

WallTime time(Fields& fields) {
  using std::chrono::microseconds;
  // Days from 1970-01-01 to 2000-01-01.
  constexpr WallTime epoch{std::chrono::hours(24 * 10957)};
  constexpr std::int64_t latest = std::chrono::duration_cast<microseconds>(WallTime::max() - epoch).count();
  constexpr std::int64_t earliest =
      std::chrono::duration_cast<microseconds>(WallTime::min().time_since_epoch()).count();
  const auto value = static_cast<std::int64_t>(fields.int64("its time"));
  if (value <= latest && value >= earliest) return epoch + microseconds(value);
  fields.complain("has a time that is out of range");
  return {};
}

TransactionId transaction(Fields& fields) {
  const TransactionId id = fields.int32("its transaction");
  if (id == 0) fields.complain("names no transaction");
  return id;
}

Commit commit(Fields& fields) {
  flags(fields, 0);
  Commit commit;
  commit.lsn.value = fields.int64("its LSN");
  commit.end.value = fields.int64("its end LSN");
  commit.time = time(fields);
  if (commit.end <= commit.lsn) fields.complain("does not end behind its LSN");
  return commit;
}

Body read_begin(Fields& fields) {
  Begin begin;
  begin.final_lsn.value = fields.int64("its final LSN");
  begin.time = time(fields);
  begin.transaction = transaction(fields);
  if (begin.final_lsn == model::Lsn{}) fields.complain("has no final LSN");
  return begin;
}

Body read_commit(Fields& fields) {
  return commit(fields);
}

Body read_origin(Fields& fields) {
  Origin origin;
  origin.lsn.value = fields.int64("its LSN");
  origin.name = fields.string("its name");
  return origin;
}

model::LogTable::Identity identity(Fields& fields) {
  const std::uint8_t letter = fields.int8("its replica identity");
  switch (letter) {
    case 'd':
      return model::LogTable::Identity::primary_key;
    case 'i':
      return model::LogTable::Identity::index;
    case 'f':
      return model::LogTable::Identity::whole_row;
    case 'n':
      return model::LogTable::Identity::none;
    default:
      fields.complain("has the unknown replica identity " + quoted(letter));
      return {};
  }
}

std::uint16_t column_count(Fields& fields) {
  const std::uint16_t count = fields.int16("its number of columns");
  if (count <= most_columns) return count;
  fields.complain("has " + std::to_string(count) + " columns where a table has at most " +
                  std::to_string(most_columns));
  return 0;
}

std::string_view schema(Fields& fields) {
  const std::string_view name = fields.string("its schema");
  return name.empty() ? "pg_catalog" : name;
}

Body read_relation(Fields& fields) {
  auto table = std::make_shared<model::LogTable>();
  table->id = fields.int32("its id");
  table->name.schema = schema(fields);
  table->name.name = fields.string("its name");
  table->identity = identity(fields);
  const std::uint16_t count = column_count(fields);
  table->columns.reserve(count);
  for (std::uint16_t number = 1; number <= count && fields.good(); ++number) {
    model::LogTable::Column column;
    column.identifies = flags(fields, 1) != 0;
    column.name = fields.string("its name");
    column.type = fields.int32("its type");
    column.modifier = static_cast<std::int32_t>(fields.int32("its type modifier"));
    if (!fields.good()) fields.complain_within("column " + std::to_string(number));
    table->columns.push_back(std::move(column));
  }
  return Relation{std::move(table)};
}

Body read_type(Fields& fields) {
  Type type;
  type.id = fields.int32("its id");
  type.schema = schema(fields);
  type.name = fields.string("its name");
  return type;
}

// PostgreSQL's text has no NUL, and would end there for whoever takes it as a C string.
void check_value(Fields& fields, bool old_row) {
  const std::uint8_t kind = fields.int8("its kind");
  switch (kind) {
    case 'n':
      return;
    case 't':
      if (fields.counted("its text").find('\0') != std::string_view::npos) fields.complain("has a NUL in its text");
      return;
    case 'u':
      if (old_row) fields.complain("is unchanged, in an old row");
      return;
    case 'b':
      return fields.complain("is in binary form, which was not asked for");
    default:
      return fields.complain("is of the unknown kind " + quoted(kind));
  }
}

Tuple tuple(Fields& fields, bool old_row) {
  if (!fields.good()) return {};
  const char* const which = old_row ? "the old row" : "the new row";
  const std::uint16_t count = column_count(fields);
  if (!fields.good()) fields.complain_within(which);
  const std::string_view begin = fields.rest();
  for (std::uint16_t number = 1; number <= count && fields.good(); ++number) {
    check_value(fields, old_row);
    if (!fields.good()) fields.complain_within("column " + std::to_string(number) + " of " + which);
  }
  return {count, begin.substr(0, begin.size() - fields.rest().size())};
}

// The letter in front of a row.
std::uint8_t row_letter(Fields& fields, std::string_view expected) {
  const std::uint8_t letter = fields.int8("what kind of row follows");
  if (expected.find(static_cast<char>(letter)) == std::string_view::npos) {
    fields.complain("has the kind of row " + quoted(letter) + " where one of " + std::string(expected) +
                    " is expected");
  }
  return letter;
}

OldRow old_row_of(std::uint8_t letter) {
  return letter == 'O' ? OldRow::whole : OldRow::key;
}

Body read_insert(Fields& fields) {
  Insert insert;
  insert.relation = fields.int32("its relation");
  row_letter(fields, "N");
  insert.new_row = tuple(fields, false);
  return insert;
}

Body read_update(Fields& fields) {
  Update update;
  update.relation = fields.int32("its relation");
  const std::uint8_t letter = row_letter(fields, "KON");
  if (letter != 'N') {
    update.old_is = old_row_of(letter);
    update.old_row = tuple(fields, true);
    row_letter(fields, "N");
  }
  update.new_row = tuple(fields, false);
  return update;
}

Body read_delete(Fields& fields) {
  Delete removed;
  removed.relation = fields.int32("its relation");
  removed.old_is = old_row_of(row_letter(fields, "KO"));
  removed.old_row = tuple(fields, true);
  return removed;
}

Body read_truncate(Fields& fields) {
  Truncate truncate;
  const std::uint32_t count = fields.int32("its number of relations");
  const std::uint8_t options = flags(fields, 3);
  truncate.cascade = (options & 1) != 0;
  truncate.restart_identity = (options & 2) != 0;
  if (count == 0 || count > fields.rest().size() / sizeof(RelationId)) {
    fields.complain("names " + std::to_string(static_cast<std::int32_t>(count)) + " relations in " +
                    std::to_string(fields.rest().size()) + " bytes");
    return truncate;
  }
  for (std::uint32_t number = 0; number < count; ++number) truncate.relations.push_back(fields.int32("a relation"));
  return truncate;
}

Body read_logical_message(Fields& fields) {
  LogicalMessage message;
  message.transactional = flags(fields, 1) != 0;
  message.lsn.value = fields.int64("its LSN");
  message.prefix = fields.string("its prefix");
  message.content = fields.counted("its content");
  return message;
}

Body read_stream_start(Fields& fields) {
  StreamStart start;
  start.transaction = transaction(fields);
  start.first = flags(fields, 1) != 0;
  return start;
}

Body read_stream_stop(Fields&) {
  return StreamStop{};
}

Body read_stream_commit(Fields& fields) {
  StreamCommit streamed;
  streamed.transaction = transaction(fields);
  streamed.commit = commit(fields);
  return streamed;
}

Body read_stream_abort(Fields& fields) {
  StreamAbort abort;
  abort.transaction = transaction(fields);
  abort.subtransaction = transaction(fields);
  if (!fields.rest().empty()) {
    fields.int64("its LSN");
    time(fields);
  }
  return abort;
}

struct Kind {
  char letter;
  const char* name;
  bool of_transaction;  // has an xid inside a stream
  Body (*read)(Fields&);
};

// In the order of Body.
constexpr std::array<Kind, std::variant_size_v<Body>> kinds{{
    {'B', "begin", false, read_begin},
    {'C', "commit", false, read_commit},
    {'O', "origin", false, read_origin},
    {'R', "relation", true, read_relation},
    {'Y', "type", true, read_type},
    {'I', "insert", true, read_insert},
    {'U', "update", true, read_update},
    {'D', "delete", true, read_delete},
    {'T', "truncate", true, read_truncate},
    {'M', "logical decoding", true, read_logical_message},
    {'S', "stream start", false, read_stream_start},
    {'E', "stream stop", false, read_stream_stop},
    {'c', "stream commit", false, read_stream_commit},
    {'A', "stream abort", false, read_stream_abort},
}};

const Kind* kind_of(char letter) {
  for (const Kind& kind : kinds) {
    if (kind.letter == letter) return &kind;
  }
  return nullptr;
}

}  // namespace

const char* name_of(const Message& message) {
  return kinds[message.body.index()].name;
}

Result<Message> decode(std::span<const std::byte> input, bool in_stream) {
  if (input.empty()) return Error{Fault::failed, "an empty message of pgoutput"};
  const std::string_view bytes(reinterpret_cast<const char*>(input.data()), input.size());
  const Kind* const kind = kind_of(bytes.front());
  if (kind == nullptr) {
    return Error{Fault::failed,
                 "a message of pgoutput of the unknown kind " + quoted(static_cast<std::uint8_t>(bytes.front()))};
  }
  Fields fields(bytes.substr(1));
  Message message;
  if (in_stream && kind->of_transaction) message.transaction = transaction(fields);
  message.body = kind->read(fields);
  if (!fields.rest().empty())
    fields.complain("goes on for " + std::to_string(fields.rest().size()) + " bytes too many");
  if (!fields.good()) {
    return Error{Fault::failed, std::string("a message of pgoutput, kind ") + kind->name + ": " + fields.complaint()};
  }
  return message;
}

void read_row(const Tuple& tuple, std::span<model::Value> row) {
  if (row.size() != tuple.columns) std::abort();
  Fields fields(tuple.encoded);
  for (model::Value& value : row) {
    switch (fields.int8("its kind")) {
      case 't':
        value = {model::Value::Kind::text, fields.counted("its text")};
        break;
      case 'u':
        value = {model::Value::Kind::unchanged};
        break;
      default:
        value = {};
    }
  }
}

}  // namespace tributary::postgres::pgoutput
