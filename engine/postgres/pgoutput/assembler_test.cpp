#include "engine/postgres/pgoutput/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "engine/postgres/pgoutput/testing/told.h"
#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using wire::assembled;
using wire::null;
using wire::text;
using wire::unchanged;
using Messages = std::vector<std::string>;

Assembler assembler() {
  return Assembler(Spool(testing::TempDir()));
}

std::vector<std::string> told_of(const Messages& messages) {
  Assembler fresh = assembler();
  return assembled(fresh, messages);
}

const std::string table_1 = wire::relation(1, "public", "t", 'd', {{"id", 1}, {"note"}});
const std::string table_2 = wire::relation(2, "public", "u", 'f', {{"id", 1}, {"note", 1}});

TEST(AnAssembler, tells_a_transaction) {
  EXPECT_THAT(
      told_of({wire::begin(0x10, 0, 700), wire::origin(1, "elsewhere"), wire::type(16500, "public", "mood"), table_1,
               wire::insert(1, {text("1"), null()}), wire::update(1, {text("1"), unchanged()}),
               wire::update(1, 'K', {text("1"), null()}, {text("2"), text("b")}),
               wire::remove(1, 'K', {text("2"), null()}), wire::commit(0x10, 0x12, 0)}),
      ElementsAre("begin 0/10 of 700", "insert public.t (1,null)", "update public.t (1,unchanged)",
                  "update public.t key (1,null) (2,b)", "delete public.t key (2,null)", "commit 0/10 end 0/12"));
}

TEST(AnAssembler, tells_whole_old_rows) {
  EXPECT_THAT(
      told_of({wire::begin(0x10, 0, 700), table_2, wire::update(2, 'O', {text("1"), null()}, {text("1"), text("b")}),
               wire::remove(2, 'O', {text("1"), text("b")})}),
      ElementsAre("begin 0/10 of 700", "update public.u whole (1,null) (1,b)", "delete public.u whole (1,b)"));
}

TEST(AnAssembler, tells_a_truncate_of_several_tables) {
  EXPECT_THAT(told_of({wire::begin(0x10, 0, 700), table_1, table_2, wire::truncate({1, 2}, 1), wire::truncate({2}, 2)}),
              ElementsAre("begin 0/10 of 700", "truncate public.t public.u cascade", "truncate public.u restart"));
}

TEST(AnAssembler, tells_the_times_of_a_transaction) {
  Assembler fresh = assembler();
  model::Batch batch;
  ASSERT_TRUE(fresh.take(wire::bytes(wire::begin(0x10, 1'500'000, 700)), batch).ok());
  ASSERT_TRUE(fresh.take(wire::bytes(wire::commit(0x10, 0x12, 1'500'000)), batch).ok());
  for (const model::Event& event : batch.events()) {
    EXPECT_EQ(event.time.time_since_epoch(), std::chrono::milliseconds(946'684'801'500));
  }
}

TEST(AnAssembler, tells_a_row_by_the_description_that_was_in_force_then) {
  Assembler fresh = assembler();
  model::Batch batch;
  for (const std::string& message :
       {wire::begin(0x10, 0, 700), table_1, wire::insert(1, {text("1"), null()}),
        wire::relation(1, "public", "renamed", 'd', {{"id", 1}}), wire::insert(1, {text("2")})}) {
    ASSERT_TRUE(fresh.take(wire::bytes(message), batch).ok());
  }
  EXPECT_THAT(wire::told(batch),
              ElementsAre("begin 0/10 of 700", "insert public.t (1,null)", "insert public.renamed (2)"));
}

TEST(AnAssembler, goes_on_in_another_batch_within_a_transaction) {
  Assembler fresh = assembler();
  {
    model::Batch first;
    ASSERT_TRUE(fresh.take(wire::bytes(wire::begin(0x10, 0, 700)), first).ok());
    ASSERT_TRUE(fresh.take(wire::bytes(table_1), first).ok());
  }
  model::Batch second;
  ASSERT_TRUE(fresh.take(wire::bytes(wire::insert(1, {text("1"), null()})), second).ok());
  ASSERT_TRUE(fresh.take(wire::bytes(wire::commit(0x10, 0x12, 0)), second).ok());
  EXPECT_THAT(wire::told(second), ElementsAre("insert public.t (1,null)", "commit 0/10 end 0/12"));
}

TEST(AnAssembler, passes_logical_messages_over) {
  EXPECT_THAT(told_of({wire::message(false, 1, "p", "outside"), wire::begin(0x10, 0, 700),
                       wire::message(true, 2, "p", "inside"), wire::message(false, 3, "p", "outside"),
                       wire::commit(0x10, 0x12, 0)}),
              ElementsAre("begin 0/10 of 700", "commit 0/10 end 0/12"));
}

TEST(AnAssembler, knows_when_it_is_between_transactions) {
  Assembler fresh = assembler();
  const auto after = [&](const Messages& messages) {
    assembled(fresh, messages);
    return fresh.between_transactions();
  };
  EXPECT_TRUE(after({}));
  EXPECT_FALSE(after({wire::begin(0x10, 0, 700)}));
  EXPECT_FALSE(after({table_1, wire::insert(1, {text("1"), null()})}));
  EXPECT_TRUE(after({wire::commit(0x10, 0x12, 0)}));
}

TEST(AnAssembler, is_between_transactions_while_one_in_progress_waits_but_not_while_it_is_replayed) {
  Assembler fresh = assembler();
  assembled(fresh, {wire::stream_start(800, true)});
  EXPECT_TRUE(fresh.between_transactions());
  assembled(fresh, {wire::relation(1, "public", "t", 'd', {{"id", 1}}, 800), wire::stream_stop()});
  EXPECT_TRUE(fresh.between_transactions());
  model::Batch batch;
  ASSERT_TRUE(fresh.take(wire::bytes(wire::stream_commit(800, 0x10, 0x12, 0)), batch).ok());
  EXPECT_TRUE(fresh.replaying());
  EXPECT_FALSE(fresh.between_transactions());
  const Result<bool> more = fresh.replay(batch, 1 << 20);
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(more.value());
  EXPECT_TRUE(fresh.between_transactions());
}

struct Refused {
  std::string name;
  Messages messages;
  std::string reason;
};

void PrintTo(const Refused& one, std::ostream* out) {
  *out << one.name;
}

const std::string misplaced = "a message of pgoutput out of place: ";
const std::string begun = wire::begin(0x10, 0, 700);
const std::string row = wire::insert(1, {text("1"), null()});

const std::vector<Refused> refused{
    {"a change outside", {row}, misplaced + "insert outside a transaction"},
    {"an update outside", {wire::update(1, {null()})}, misplaced + "update outside a transaction"},
    {"a delete outside", {wire::remove(1, 'K', {null()})}, misplaced + "delete outside a transaction"},
    {"a truncate outside", {wire::truncate({1}, 0)}, misplaced + "truncate outside a transaction"},
    {"a description outside", {table_1}, misplaced + "relation outside a transaction"},
    {"a type outside", {wire::type(1, "s", "t")}, misplaced + "type outside a transaction"},
    {"an origin outside", {wire::origin(1, "o")}, misplaced + "origin outside a transaction"},
    {"a message of a transaction outside",
     {wire::message(true, 1, "p", "c")},
     misplaced + "logical decoding outside a transaction"},
    {"a commit outside", {wire::commit(0x10, 0x12, 0)}, misplaced + "commit outside a transaction"},
    {"a change after the commit",
     {begun, table_1, wire::commit(0x10, 0x12, 0), row},
     misplaced + "insert outside a transaction"},
    {"a begin inside", {begun, begun}, misplaced + "begin inside a transaction"},
    {"a stream inside", {begun, wire::stream_start(800, true)}, misplaced + "stream start inside a transaction"},
    {"a streamed commit inside",
     {begun, wire::stream_commit(800, 0x10, 0x12, 0)},
     misplaced + "stream commit inside a transaction"},
    {"an abort inside", {begun, wire::stream_abort(800, 800)}, misplaced + "stream abort inside a transaction"},
    {"the end of no stream", {wire::stream_stop()}, misplaced + "stream stop outside a stream"},
    {"the end of a stream inside", {begun, wire::stream_stop()}, misplaced + "stream stop inside a transaction"},
    {"a begin in a stream", {wire::stream_start(800, true), begun}, misplaced + "begin inside a stream"},
    {"a stream in a stream",
     {wire::stream_start(800, true), wire::stream_start(801, true)},
     misplaced + "stream start inside a stream"},
    {"an abort in a stream",
     {wire::stream_start(800, true), wire::stream_abort(800, 800)},
     misplaced + "stream abort inside a stream"},
    {"a commit elsewhere",
     {begun, wire::commit(0x11, 0x12, 0)},
     "a transaction that began with the final LSN 0/10 commits at 0/11"},
    {"an earlier transaction",
     {begun, wire::commit(0x10, 0x12, 0), wire::begin(0x11, 0, 701)},
     "a transaction that commits at 0/11 comes behind one that ended at 0/12"},
    {"an earlier streamed transaction",
     {begun, wire::commit(0x10, 0x12, 0), wire::stream_start(800, true), wire::stream_stop(),
      wire::stream_commit(800, 0x11, 0x13, 0)},
     "a transaction that commits at 0/11 comes behind one that ended at 0/12"},
    {"a table that was not described", {begun, row}, "a change of relation 1, which was not described"},
    {"a truncate of such a table",
     {begun, table_1, wire::truncate({1, 3}, 0)},
     "a change of relation 3, which was not described"},
    {"a row of too few columns",
     {begun, table_1, wire::insert(1, {text("1")})},
     "table public.t: a row of 1 columns where the table was described with 2"},
    {"an old row of too many columns",
     {begun, table_1, wire::remove(1, 'K', {text("1"), null(), null()})},
     "table public.t: a row of 3 columns where the table was described with 2"},
    {"the commit of no stream", {wire::stream_commit(800, 1, 2, 0)}, "transaction 800 is not being streamed"},
    {"the abort of no stream", {wire::stream_abort(800, 801)}, "transaction 800 is not being streamed"},
    {"a later run of no stream", {wire::stream_start(800, false)}, "transaction 800 is not being streamed"},
    {"a stream that is first twice",
     {wire::stream_start(800, true), wire::stream_stop(), wire::stream_start(800, true)},
     "the stream of transaction 800 begins a second time"},
    {"a streamed change of a table that only others know",
     {begun, table_1, wire::commit(0x10, 0x12, 0), wire::stream_start(800, true),
      wire::insert(1, {text("1"), null()}, 800), wire::stream_stop(), wire::stream_commit(800, 0x14, 0x16, 0)},
     "a change of relation 1, which was not described"},
};

class AnAssemblerRefuses : public testing::TestWithParam<Refused> {};

INSTANTIATE_TEST_SUITE_P(, AnAssemblerRefuses, testing::ValuesIn(refused));

TEST_P(AnAssemblerRefuses, what_is_out_of_place) {
  EXPECT_EQ(told_of(GetParam().messages).back(), GetParam().reason);
}

TEST(AnAssembler, refuses_malformed_messages) {
  EXPECT_THAT(told_of({begun, "I"}), Contains(HasSubstr("kind insert")));
}

}  // namespace
}  // namespace tributary::postgres::pgoutput
