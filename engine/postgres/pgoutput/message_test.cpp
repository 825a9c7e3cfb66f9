#include "engine/postgres/pgoutput/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput {
namespace {

using model::LogTable;
using model::Value;
using testing::HasSubstr;

template <class Kind>
Kind decoded(const std::string& message, TransactionId xid = 0) {
  const Result<Message> result = decode(wire::bytes(message), xid != 0);
  EXPECT_TRUE(result.ok()) << result.error().what;
  if (!result.ok() || !std::holds_alternative<Kind>(result.value().body)) {
    ADD_FAILURE() << "another kind of message";
    return {};
  }
  EXPECT_EQ(result.value().transaction, xid);
  return std::get<Kind>(result.value().body);
}

std::string refusal(const std::string& message, bool in_stream = false) {
  const Result<Message> result = decode(wire::bytes(message), in_stream);
  if (result.ok()) return "taken";
  EXPECT_EQ(result.error().fault, Fault::failed);
  return result.error().what;
}

std::vector<std::string> values(const Tuple& tuple) {
  std::vector<Value> row(tuple.columns);
  read_row(tuple, row);
  std::vector<std::string> shown;
  for (const Value& value : row) {
    if (value.kind == Value::Kind::null) shown.emplace_back("null");
    if (value.kind == Value::Kind::unchanged) shown.emplace_back("unchanged");
    if (value.kind == Value::Kind::text) shown.push_back("text " + std::string(value.bytes));
  }
  return shown;
}

using Shown = std::vector<std::string>;

TEST(AMessage, begins_a_transaction) {
  const auto begin = decoded<Begin>(wire::begin(0x16B374D848, 1'000'001, 4'000'000'000));
  EXPECT_EQ(to_string(begin.final_lsn), "16/B374D848");
  EXPECT_EQ(begin.time.time_since_epoch(), std::chrono::microseconds(946'684'801'000'001));
  EXPECT_EQ(begin.transaction, 4'000'000'000u);
}

TEST(AMessage, of_a_time_before_2000_is_understood) {
  EXPECT_EQ(decoded<Begin>(wire::begin(1, -1, 1)).time.time_since_epoch(),
            std::chrono::microseconds(946'684'799'999'999));
}

TEST(AMessage, commits_a_transaction) {
  const auto commit = decoded<Commit>(wire::commit(0x1000, 0x1030, 0));
  EXPECT_EQ(commit.lsn, model::Lsn{0x1000});
  EXPECT_EQ(commit.end, model::Lsn{0x1030});
  EXPECT_EQ(rfc3339(commit.time), "2000-01-01T00:00:00Z");
}

TEST(AMessage, names_an_origin_without_a_transaction_even_in_a_stream) {
  const std::string message = wire::origin(0x77, "elsewhere");
  EXPECT_EQ(decoded<Origin>(message).name, "elsewhere");
  EXPECT_EQ(decoded<Origin>(message).lsn, model::Lsn{0x77});
  const Result<Message> streamed = decode(wire::bytes(message), true);
  ASSERT_TRUE(streamed.ok());
  EXPECT_EQ(streamed->transaction, 0u);
  EXPECT_EQ(std::get<Origin>(streamed->body).name, "elsewhere");
}

class InAndOutsideAStream : public testing::TestWithParam<TransactionId> {};

INSTANTIATE_TEST_SUITE_P(AMessage, InAndOutsideAStream, testing::Values(0, 700));

TEST_P(InAndOutsideAStream, describes_a_table) {
  const auto relation = decoded<Relation>(
      wire::relation(16385, "public", "Orders", 'i', {{"id", 1, 23, -1}, {"amount", 0, 1700, 655366}}, GetParam()),
      GetParam());
  const LogTable& table = *relation.table;
  EXPECT_EQ(table.id, 16385u);
  EXPECT_EQ(table.name, (model::Name{"public", "Orders"}));
  EXPECT_EQ(table.identity, LogTable::Identity::index);
  ASSERT_EQ(table.columns.size(), 2u);
  EXPECT_EQ(table.columns[0].name, "id");
  EXPECT_TRUE(table.columns[0].identifies);
  EXPECT_EQ(table.columns[0].type, 23u);
  EXPECT_EQ(table.columns[0].modifier, -1);
  EXPECT_FALSE(table.columns[1].identifies);
  EXPECT_EQ(table.columns[1].modifier, 655366);
}

TEST_P(InAndOutsideAStream, describes_a_table_of_the_catalog_without_columns) {
  const auto relation = decoded<Relation>(wire::relation(1, "", "odd", 'n', {}, GetParam()), GetParam());
  EXPECT_EQ(relation.table->name.schema, "pg_catalog");
  EXPECT_EQ(relation.table->identity, LogTable::Identity::none);
}

TEST_P(InAndOutsideAStream, names_a_type) {
  const std::string message = wire::type(16500, "public", "mood", GetParam());
  const auto type = decoded<Type>(message, GetParam());
  EXPECT_EQ(type.id, 16500u);
  EXPECT_EQ(type.schema, "public");
  EXPECT_EQ(type.name, "mood");
}

TEST_P(InAndOutsideAStream, inserts_a_row) {
  const wire::Cells row{wire::text("1"), wire::text(""), wire::null(), wire::unchanged()};
  const std::string message = wire::insert(16385, row, GetParam());
  const auto insert = decoded<Insert>(message, GetParam());
  EXPECT_EQ(insert.relation, 16385u);
  EXPECT_EQ(values(insert.new_row), (Shown{"text 1", "text ", "null", "unchanged"}));
}

TEST_P(InAndOutsideAStream, updates_a_row) {
  const std::string message = wire::update(16385, {wire::text("1"), wire::unchanged()}, GetParam());
  const auto update = decoded<Update>(message, GetParam());
  EXPECT_EQ(update.old_is, OldRow::none);
  EXPECT_EQ(values(update.new_row), (Shown{"text 1", "unchanged"}));
}

TEST_P(InAndOutsideAStream, updates_the_key_of_a_row) {
  const std::string message =
      wire::update(16385, 'K', {wire::text("1"), wire::null()}, {wire::text("2"), wire::text("b")}, GetParam());
  const auto update = decoded<Update>(message, GetParam());
  EXPECT_EQ(update.old_is, OldRow::key);
  EXPECT_EQ(values(update.old_row), (Shown{"text 1", "null"}));
  EXPECT_EQ(values(update.new_row), (Shown{"text 2", "text b"}));
}

TEST_P(InAndOutsideAStream, updates_a_whole_row) {
  const std::string message =
      wire::update(16385, 'O', {wire::text("1"), wire::text("a")}, {wire::text("1"), wire::text("b")}, GetParam());
  const auto update = decoded<Update>(message, GetParam());
  EXPECT_EQ(update.old_is, OldRow::whole);
  EXPECT_EQ(values(update.old_row), (Shown{"text 1", "text a"}));
}

TEST_P(InAndOutsideAStream, deletes_a_row) {
  const std::string by_key = wire::remove(16385, 'K', {wire::text("1"), wire::null()}, GetParam());
  const auto key = decoded<Delete>(by_key, GetParam());
  EXPECT_EQ(key.old_is, OldRow::key);
  EXPECT_EQ(values(key.old_row), (Shown{"text 1", "null"}));
  const std::string by_all = wire::remove(16385, 'O', {wire::text("1"), wire::text("a")}, GetParam());
  EXPECT_EQ(decoded<Delete>(by_all, GetParam()).old_is, OldRow::whole);
}

TEST_P(InAndOutsideAStream, truncates_tables) {
  const auto plain = decoded<Truncate>(wire::truncate({16385, 16390}, 0, GetParam()), GetParam());
  EXPECT_EQ(plain.relations, (std::vector<RelationId>{16385, 16390}));
  EXPECT_FALSE(plain.cascade || plain.restart_identity);
  const auto cascade = decoded<Truncate>(wire::truncate({1}, 1, GetParam()), GetParam());
  EXPECT_TRUE(cascade.cascade && !cascade.restart_identity);
  const auto restart = decoded<Truncate>(wire::truncate({1}, 2, GetParam()), GetParam());
  EXPECT_TRUE(!restart.cascade && restart.restart_identity);
}

TEST_P(InAndOutsideAStream, carries_what_somebody_wrote) {
  const std::string bytes = wire::message(true, 0x900, "prefix", std::string("con\0tent", 8), GetParam());
  const auto message = decoded<LogicalMessage>(bytes, GetParam());
  EXPECT_TRUE(message.transactional);
  EXPECT_EQ(message.lsn, model::Lsn{0x900});
  EXPECT_EQ(message.prefix, "prefix");
  EXPECT_EQ(message.content.size(), 8u);
}

TEST(AMessage, begins_and_ends_a_stream) {
  const auto start = decoded<StreamStart>(wire::stream_start(700, true));
  EXPECT_EQ(start.transaction, 700u);
  EXPECT_TRUE(start.first);
  EXPECT_FALSE(decoded<StreamStart>(wire::stream_start(700, false)).first);
  EXPECT_TRUE(decode(wire::bytes(wire::stream_stop()), true).ok());
}

TEST(AMessage, ends_a_streamed_transaction) {
  const auto commit = decoded<StreamCommit>(wire::stream_commit(700, 0x1000, 0x1030, 5));
  EXPECT_EQ(commit.transaction, 700u);
  EXPECT_EQ(commit.commit.end, model::Lsn{0x1030});
  for (const std::string& message : {wire::stream_abort(700, 701), wire::stream_abort(700, 701, 0x900, 5)}) {
    const auto abort = decoded<StreamAbort>(message);
    EXPECT_EQ(abort.transaction, 700u);
    EXPECT_EQ(abort.subtransaction, 701u);
  }
}

TEST(AMessage, has_a_name) {
  for (const wire::Sample& sample : wire::samples()) {
    const Result<Message> message = decode(wire::bytes(sample.bytes), sample.in_stream);
    ASSERT_TRUE(message.ok()) << sample.name << ": " << message.error().what;
    EXPECT_THAT(sample.name, HasSubstr(std::string(name_of(*message)).substr(0, 6)));
  }
}

// An abort of protocol version 4 whose last fields are missing is one of version 2.
TEST(AMessage, that_is_cut_off_anywhere_is_refused) {
  for (const wire::Sample& sample : wire::samples()) {
    const bool longer_abort = sample.name == "stream abort of version 4";
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      if (longer_abort && size == wire::stream_abort(1, 1).size()) continue;
      EXPECT_NE(refusal(sample.bytes.substr(0, size), sample.in_stream), "taken") << sample.name << ", " << size;
    }
  }
}

TEST(AMessage, that_goes_on_is_refused) {
  for (const wire::Sample& sample : wire::samples()) {
    EXPECT_NE(refusal(sample.bytes + "\1", sample.in_stream), "taken") << sample.name;
  }
}

struct Malformed {
  std::string name;
  std::string bytes;
  std::string reason;
  bool in_stream = false;
};

void PrintTo(const Malformed& one, std::ostream* out) {
  *out << one.name;
}

std::string row_of(std::size_t count, const std::string& values) {
  return "I" + wire::int32(16385) + "N" + wire::int16(count) + values;
}

const std::string kind = "a message of pgoutput, kind ";

const std::vector<Malformed> malformed{
    {"nothing", "", "an empty message of pgoutput"},
    {"unknown letter", "Zabc", "a message of pgoutput of the unknown kind 'Z'"},
    {"unknown byte", "\x07", "a message of pgoutput of the unknown kind 0x07"},
    {"two-phase commit", "P", "a message of pgoutput of the unknown kind 'P'"},
    {"begin without LSN", wire::begin(0, 0, 1), kind + "begin: has no final LSN"},
    {"begin of nobody", wire::begin(1, 0, 0), kind + "begin: names no transaction"},
    {"begin at no time", wire::begin(1, INT64_MAX, 1), kind + "begin: has a time that is out of range"},
    {"begin before all time", wire::begin(1, INT64_MIN, 1), kind + "begin: has a time that is out of range"},
    {"commit that ends where it begins", wire::commit(5, 5, 0), kind + "commit: does not end behind its LSN"},
    {"commit with flags", "C\x01" + wire::commit(5, 6, 0).substr(2), kind + "commit: has unknown flags 0x01"},
    {"origin without end", "O" + wire::int64(1) + "elsewhere", kind + "origin: ends within its name"},
    {"identity", wire::relation(1, "s", "t", 'x', {}), kind + "relation: has the unknown replica identity 'x'"},
    {"too many columns", wire::relation(1, "s", "t", 'd', std::vector<wire::Column>(1601)),
     kind + "relation: has 1601 columns where a table has at most 1600"},
    {"negative columns", "R" + wire::int32(1) + std::string("s\0t\0d\xff\xff", 7),
     kind + "relation: has 65535 columns where a table has at most 1600"},
    {"column flags", wire::relation(1, "s", "t", 'd', {{"a"}, {"b", 2}}),
     kind + "relation: column 2: has unknown flags 0x02"},
    {"missing column", wire::relation(1, "s", "t", 'd', {{"a"}}).substr(0, 13),
     kind + "relation: column 1: ends within its name"},
    {"insert of an old row", "I" + wire::remove(1, 'O', {}).substr(1),
     kind + "insert: has the kind of row 'O' where one of N is expected"},
    {"update of nothing", "U" + wire::int32(1) + "X",
     kind + "update: has the kind of row 'X' where one of KON is expected"},
    {"update without a new row", "U" + wire::remove(1, 'O', {wire::text("a")}).substr(1),
     kind + "update: ends within what kind of row follows"},
    {"update of two old rows", "U" + wire::remove(1, 'K', {}).substr(1) + "K" + wire::int16(0),
     kind + "update: has the kind of row 'K' where one of N is expected"},
    {"delete of a new row", "D" + wire::insert(1, {}).substr(1),
     kind + "delete: has the kind of row 'N' where one of KO is expected"},
    {"row of too many columns", row_of(1601, std::string(1601, 'n')),
     kind + "insert: the new row: has 1601 columns where a table has at most 1600"},
    {"row that ends early", row_of(3, "nn"), kind + "insert: column 3 of the new row: ends within its kind"},
    {"row that goes on", row_of(1, "nn"), kind + "insert: goes on for 1 bytes too many"},
    {"value in binary", row_of(2, "nb" + wire::int32(1) + "x"),
     kind + "insert: column 2 of the new row: is in binary form, which was not asked for"},
    {"value of an unknown kind", row_of(1, "x"), kind + "insert: column 1 of the new row: is of the unknown kind 'x'"},
    {"value beyond the end", row_of(1, "t" + wire::int32(5) + "four"),
     kind + "insert: column 1 of the new row: its text has the length 5 where 4 bytes are left"},
    {"value of negative length", row_of(1, "t" + wire::int32(0xffffffff) + "four"),
     kind + "insert: column 1 of the new row: its text has the length -1 where 4 bytes are left"},
    {"value of the longest length", row_of(1, "t" + wire::int32(0x7fffffff) + "four"),
     kind + "insert: column 1 of the new row: its text has the length 2147483647 where 4 bytes are left"},
    {"text with a NUL", row_of(1, "t" + wire::int32(3) + std::string("a\0b", 3)),
     kind + "insert: column 1 of the new row: has a NUL in its text"},
    {"unchanged value of an old row", wire::remove(1, 'O', {wire::unchanged()}),
     kind + "delete: column 1 of the old row: is unchanged, in an old row"},
    {"truncate of nothing", wire::truncate({}, 0), kind + "truncate: names 0 relations in 0 bytes"},
    {"truncate of too many", "T" + wire::int32(3) + std::string(1, '\0') + wire::int32(1),
     kind + "truncate: names 3 relations in 4 bytes"},
    {"truncate of negatively many", "T" + wire::int32(0x80000001) + std::string(1, '\0') + wire::int32(1),
     kind + "truncate: names -2147483647 relations in 4 bytes"},
    {"truncate with flags", wire::truncate({1}, 4), kind + "truncate: has unknown flags 0x04"},
    {"message with flags", "M\x02" + wire::message(true, 1, "p", "c").substr(2),
     kind + "logical decoding: has unknown flags 0x02"},
    {"message beyond the end", wire::message(true, 1, "p", "content").substr(0, 18),
     kind + "logical decoding: its content has the length 7 where 2 bytes are left"},
    {"change in a stream of nobody", "I" + wire::int32(0) + wire::insert(1, {}).substr(1),
     kind + "insert: names no transaction", true},
    {"stream of nobody", wire::stream_start(0, true), kind + "stream start: names no transaction"},
    {"stream that is first twice", "S" + wire::int32(1) + "\x02", kind + "stream start: has unknown flags 0x02"},
    {"abort of nobody", wire::stream_abort(1, 0), kind + "stream abort: names no transaction"},
};

class AMalformedMessage : public testing::TestWithParam<Malformed> {};

INSTANTIATE_TEST_SUITE_P(, AMalformedMessage, testing::ValuesIn(malformed));

TEST_P(AMalformedMessage, is_refused_with_its_kind_and_what_is_wrong) {
  EXPECT_EQ(refusal(GetParam().bytes, GetParam().in_stream), GetParam().reason);
}

TEST(AMessage, is_refused_without_its_values) {
  const std::string secret = "4111-1111-1111-1111";
  const std::string message = wire::insert(1, {wire::text(secret), {'b', secret}});
  EXPECT_THAT(refusal(message), testing::Not(HasSubstr("4111")));
}

TEST(ARow, of_as_many_columns_as_a_table_can_have_is_taken) {
  const std::string message = wire::insert(1, wire::Cells(most_columns, wire::text("x")));
  EXPECT_EQ(decoded<Insert>(message).new_row.columns, 1600u);
}

}  // namespace
}  // namespace tributary::postgres::pgoutput
