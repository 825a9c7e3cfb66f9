#include "engine/postgres/stream/resumption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tributary::postgres::stream {
namespace {

using model::Event;
using model::Lsn;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Transaction {
  std::uint64_t lsn = 0;
  std::uint64_t end = 0;
  int second = 0;
  bool has_change = true;
};

WallTime at(int second) {
  return WallTime{} + Seconds{second};
}

// The positions of the transactions that are handed on.
Result<std::vector<std::uint64_t>> resume(Resumption& resumption, const std::vector<Transaction>& log,
                                          std::uint64_t end_of_log = 0) {
  std::vector<std::uint64_t> given;
  for (const Transaction& each : log) {
    Event event;
    event.kind = Event::Kind::begin;
    event.lsn = Lsn{each.lsn};
    const bool is_new = TRY(resumption.take(event));
    if (is_new) given.push_back(each.lsn);
    event.kind = Event::Kind::update;
    event.lsn = {};
    const bool is_change_new = each.has_change ? TRY(resumption.take(event)) : is_new;
    EXPECT_EQ(is_change_new, is_new);
    event.kind = Event::Kind::commit;
    event.lsn = Lsn{each.lsn};
    event.end = Lsn{each.end};
    event.time = at(each.second);
    const bool is_commit_new = TRY(resumption.take(event));
    EXPECT_EQ(is_commit_new, is_new);
  }
  TRY(resumption.reach(Lsn{end_of_log}));
  return given;
}

const pipeline::Witness witness{Lsn{190}, Lsn{200}, at(9)};
const pipeline::StreamPosition ledger{Lsn{300}, at(9), witness};

TEST(AResumption, needs_no_proof_where_the_slot_knows_the_position) {
  Resumption resumption(ledger, Lsn{300});
  EXPECT_TRUE(resumption.is_proven());
  EXPECT_EQ(resumption.start(), Lsn{300});
}

TEST(AResumption, begins_with_the_witness_and_hands_on_what_lies_behind) {
  Resumption resumption(ledger, Lsn{100});
  EXPECT_EQ(resumption.start(), Lsn{190});
  EXPECT_FALSE(resumption.is_proven());
  EXPECT_THAT(resume(resumption, {{190, 200, 9}, {310, 320, 10}, {330, 340, 11}}).value(), ElementsAre(310, 330));
  EXPECT_TRUE(resumption.is_proven());
}

TEST(AResumption, is_proven_by_the_position_that_the_source_has_sent_all_up_to) {
  Resumption resumption(ledger, Lsn{100});
  EXPECT_THAT(resume(resumption, {{190, 200, 9}}, 299).value(), ElementsAre());
  EXPECT_FALSE(resumption.is_proven());
  EXPECT_TRUE(resumption.reach(Lsn{300}));
  EXPECT_TRUE(resumption.is_proven());
}

TEST(AResumption, is_lost_where_the_witness_is_not_shown) {
  const std::vector<std::vector<Transaction>> others{
      {}, {{180, 195, 9}}, {{190, 200, 8}}, {{190, 201, 9}}, {{191, 200, 9}}};
  for (const std::vector<Transaction>& other : others) {
    Resumption resumption(ledger, Lsn{100});
    const auto resumed = resume(resumption, other, 400);
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().fault, Fault::lost);
    EXPECT_THAT(resumed.error().what, HasSubstr("it has not the transaction of 1970-01-01T00:00:09Z at 0/BE"));
    EXPECT_FALSE(resumption.is_proven());
  }
}

TEST(AResumption, is_lost_where_there_is_a_change_that_the_ledger_should_know) {
  for (const std::uint64_t confirmed : {100U, 200U, 250U}) {
    Resumption resumption(ledger, Lsn{confirmed});
    std::vector<Transaction> log{{260, 270, 12}};
    if (confirmed < 200) log.insert(log.begin(), {190, 200, 9});
    const auto resumed = resume(resumption, log);
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().fault, Fault::lost);
    EXPECT_THAT(resumed.error().what, HasSubstr("it has a transaction at 0/104 that the target, which is at 0/12C"));
  }
}

TEST(AResumption, passes_over_what_has_no_change) {
  Resumption resumption(ledger, Lsn{100});
  EXPECT_THAT(resume(resumption, {{190, 200, 9}, {260, 270, 12, false}}, 300).value(), ElementsAre());
  EXPECT_TRUE(resumption.is_proven());
}

TEST(AResumption, asks_for_no_witness_of_a_slot_that_is_confirmed_behind_it) {
  Resumption resumption(ledger, Lsn{200});
  EXPECT_EQ(resumption.start(), Lsn{200});
  EXPECT_THAT(resume(resumption, {{310, 320, 10}}).value(), ElementsAre(310));
}

TEST(AResumption, asks_for_none_where_the_ledger_knows_none) {
  const pipeline::StreamPosition unknown{Lsn{300}, {}, {Lsn{200}, Lsn{200}}};
  Resumption resumption(unknown, Lsn{100});
  EXPECT_EQ(resumption.start(), Lsn{200});
  EXPECT_THAT(resume(resumption, {}, 300).value(), ElementsAre());
  EXPECT_TRUE(resumption.is_proven());
  Resumption other(unknown, Lsn{100});
  EXPECT_FALSE(resume(other, {{200, 210, 5}})) << "what lies behind has no change";
}

}  // namespace
}  // namespace tributary::postgres::stream
