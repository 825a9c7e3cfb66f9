#include "engine/postgres/replication/slot_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;

constexpr model::Lsn at(std::uint64_t value) {
  return {value};
}

struct Case {
  std::string name;
  std::function<void(LedgerMark&, SourceMark&)> change;
  std::optional<Fault> fault;  // nothing: the stream may go on
  std::string words;
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

void invalidate(SourceMark& source, const std::string& reason) {
  source.slot->wal_status = "lost";
  source.slot->restart = {};
  source.slot->invalidation_reason = reason;
}

class AVerdict : public ::testing::TestWithParam<Case> {};

TEST_P(AVerdict, says_whether_a_stream_may_go_on) {
  LedgerMark ledger{"a_slot", "shop", "77", 2, at(1000)};
  SourceMark source;
  source.system = {"77", 2, at(2000)};
  source.history = {{1, at(100)}};
  SlotState slot;
  slot.plugin = "pgoutput";
  slot.database = "shop";
  slot.confirmed_flush = at(900);
  slot.restart = at(800);
  slot.wal_status = "reserved";
  source.slot = slot;
  GetParam().change(ledger, source);
  const Result<void> verdict = judge(ledger, source);
  if (!GetParam().fault) {
    EXPECT_TRUE(verdict) << verdict.error().what;
    return;
  }
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().fault, *GetParam().fault);
  EXPECT_THAT(verdict.error().what, HasSubstr(GetParam().words));
  EXPECT_THAT(verdict.error().hint, ::testing::Not(::testing::IsEmpty()));
}

const Case cases[] = {
    {"nothing has changed", [](LedgerMark&, SourceMark&) {}, {}, ""},
    {"all is confirmed and the log ends there",
     [](LedgerMark&, SourceMark& source) { source.slot->confirmed_flush = source.system.end = at(1000); },
     {},
     ""},
    {"WAL is short but there", [](LedgerMark&, SourceMark& source) { source.slot->wal_status = "unreserved"; }, {}, ""},
    {"before PostgreSQL 13 there is no status",
     [](LedgerMark&, SourceMark& source) { source.slot->wal_status = ""; },
     {},
     ""},
    {"another system", [](LedgerMark&, SourceMark& source) { source.system.system = "78"; }, Fault::lost,
     "another system (78) than the one that was copied (77)"},
    {"no slot", [](LedgerMark&, SourceMark& source) { source.slot.reset(); }, Fault::lost,
     "replication slot a_slot does not exist"},
    {"somebody else's slot of that name", [](LedgerMark&, SourceMark& source) { source.slot->database = "other"; },
     Fault::lost, "in database other"},
    {"our own publication is gone",
     [](LedgerMark& ledger, SourceMark& source) {
       ledger.own_publication = "a_publication";
       source.has_publication = false;
     },
     Fault::lost, "publication a_publication does not exist any more"},
    {"somebody else's publication is gone",
     [](LedgerMark&, SourceMark& source) { source.has_publication = false; },
     {},
     ""},
    {"another plugin", [](LedgerMark&, SourceMark& source) { source.slot->plugin = "wal2json"; }, Fault::lost,
     "one of wal2json"},
    {"invalidated, no reason given", [](LedgerMark&, SourceMark& source) { invalidate(source, ""); }, Fault::lost,
     "removed WAL"},
    {"invalidated for its WAL", [](LedgerMark&, SourceMark& source) { invalidate(source, "wal_removed"); }, Fault::lost,
     "removed WAL"},
    {"invalidated for its rows", [](LedgerMark&, SourceMark& source) { invalidate(source, "rows_removed"); },
     Fault::lost, "rows of its catalog"},
    {"invalidated for wal_level", [](LedgerMark&, SourceMark& source) { invalidate(source, "wal_level_insufficient"); },
     Fault::lost, "logical decoding"},
    {"invalidated for idleness", [](LedgerMark&, SourceMark& source) { invalidate(source, "idle_timeout"); },
     Fault::lost, "idle_replication_slot_timeout"},
    {"invalidated for what a later version says",
     [](LedgerMark&, SourceMark& source) { invalidate(source, "moonlight"); }, Fault::lost, "moonlight"},
    {"confirmed beyond the ledger", [](LedgerMark&, SourceMark& source) { source.slot->confirmed_flush = at(1001); },
     Fault::lost, "confirmed up to 0/3E9, and the target holds changes only up to 0/3E8"},
    {"the log ends below the ledger", [](LedgerMark&, SourceMark& source) { source.system.end = at(999); }, Fault::lost,
     "ends at 0/3E7, below 0/3E8"},
    {"a fail-over above the ledger",
     [](LedgerMark&, SourceMark& source) {
       source.system.timeline = 3;
       source.history = {{1, at(100)}, {2, at(1000)}};
     },
     {},
     ""},
    {"a fail-over below the ledger",
     [](LedgerMark&, SourceMark& source) {
       source.system.timeline = 3;
       source.history = {{1, at(100)}, {2, at(999)}};
     },
     Fault::lost, "which the source left at 0/3E7"},
    {"a timeline that forked elsewhere", [](LedgerMark&, SourceMark& source) { source.system.timeline = 3; },
     Fault::lost, "which is no part of its history"},
    {"back on an older timeline",
     [](LedgerMark&, SourceMark& source) {
       source.system.timeline = 1;
       source.history = {};
     },
     Fault::lost, "on timeline 1"},
    {"a ledger that knows no timeline yet", [](LedgerMark& ledger, SourceMark&) { ledger.timeline = 0; }, {}, ""},
    {"a session that still streams", [](LedgerMark&, SourceMark& source) { source.slot->active_pid = 4711; },
     Fault::transient, "in use by process 4711"},
    {"what is lost is lost whoever streams",
     [](LedgerMark&, SourceMark& source) {
       source.slot->active_pid = 4711;
       source.slot->confirmed_flush = at(1001);
     },
     Fault::lost, "confirmed up to"},
};
INSTANTIATE_TEST_SUITE_P(Cases, AVerdict, ::testing::ValuesIn(cases));

}  // namespace
}  // namespace tributary::postgres
