#include "engine/pipeline/copy.h"

#include <gmock/gmock.h>

#include "engine/base/pause.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/copying.h"

namespace tributary::pipeline {
namespace {

using testing::Alarm;
using ::testing::AllOf;
using testing::Copying;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SourceDatabase;

// Waits on the calling thread for another thread's doing; false when that never came.
bool comes_true(const std::function<bool()>& condition) {
  const Deadline enough = Deadline::after(Seconds(20));
  while (!condition() && !enough.passed()) std::this_thread::yield();
  return condition();
}

class Copy : public ::testing::TestWithParam<int> {
 protected:
  void TearDown() override {
    copying.let_go();
    EXPECT_THAT(copying.world.calls.complaints(), IsEmpty());
    EXPECT_EQ(copying.world.connections, 0);
  }
  std::size_t calls(const std::string& name) const { return copying.world.calls.count(name); }

  const Alarm alarm{"a copy"};
  Copying copying{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Streams, Copy, ::testing::Values(1, 2, 4, 12));

TEST_P(Copy, brings_over_every_row_and_builds_everything_that_waits_for_them) {
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_TRUE(findings) << findings.error().what;
  EXPECT_THAT(*findings, IsEmpty());
  EXPECT_EQ(copying.target().rows[(model::Name{"public", "orders"})].size(), 9U);
  for (const auto& [table, rows] : rows_of(copying.source())) EXPECT_EQ(copying.target().rows[table], rows);
  for (const SchemaStep& step : copying.contents.schema.steps) {
    EXPECT_EQ(copying.target().steps.count(step.object), step.stage == Stage::after_data ? 0U : 1U) << step.object;
    EXPECT_EQ(copying.target().validated.count(step.object), step.validate.empty() ? 0U : 1U) << step.object;
  }
  EXPECT_EQ(copying.target().objects.size(), 2U);
}

TEST_P(Copy, counts_rows_and_bytes_as_the_source_sent_them_in_ledger_and_progress) {
  ASSERT_TRUE(copying.run());
  const TableRecords records = copying.target().records();
  const api::Progress progress = copying.board.snapshot();
  std::uint64_t all_rows = 0;
  std::uint64_t all_bytes = 0;
  for (const auto& each : copying.source().tables) {
    std::uint64_t bytes = 2U * static_cast<std::uint64_t>(copying.target().tables[each.table.name].of);  // "H", "T"
    for (const std::string& row : each.rows) bytes += row.size() + 1;                                    // "R"
    EXPECT_TRUE(records.at(each.table.name).done);
    EXPECT_EQ(records.at(each.table.name).count.rows, each.rows.size());
    EXPECT_EQ(records.at(each.table.name).count.bytes, bytes);
    all_rows += each.rows.size();
    all_bytes += bytes;
  }
  EXPECT_EQ(progress.databases.front().rows_copied, all_rows);
  EXPECT_EQ(progress.databases.front().bytes_copied, all_bytes);
  EXPECT_EQ(progress.databases.front().tables_done, records.size());
  EXPECT_EQ(progress.phase, api::Phase::finishing);
}

TEST_P(Copy, is_an_error_that_tells_both_counts_where_the_target_took_less_than_was_sent) {
  copying.world.loses_rows_of = {"customers"};
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_EQ(findings.error().fault, Fault::failed);
  EXPECT_THAT(findings.error().what,
              AllOf(HasSubstr("table public.customers"), HasSubstr("sent 3"), HasSubstr("counted 2")));
  EXPECT_FALSE(copying.target().whole({"public", "customers"}));
  EXPECT_THAT(copying.target().rows[(model::Name{"public", "customers"})], IsEmpty());
}

TEST_P(Copy, is_an_error_where_the_source_says_that_it_sent_more_than_came) {
  Copying miscounting(GetParam(), [] {
    SourceDatabase database = testing::any_database();
    database.tables[1].miscounted = true;
    return database;
  }());
  const Result<std::vector<api::Finding>> findings = miscounting.run();
  ASSERT_FALSE(findings);
  EXPECT_THAT(findings.error().what, HasSubstr("table public.orders"));
  EXPECT_FALSE(miscounting.target().whole({"public", "orders"}));
}

TEST_P(Copy, reports_the_first_failure_and_not_what_stopping_the_others_looks_like) {
  copying.world.calls.fail("writer.commit", {Fault::lost, "the snapshot is gone"});
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_EQ(findings.error().fault, Fault::lost);
  EXPECT_EQ(findings.error().what, "the snapshot is gone");
}

TEST_P(Copy, begins_no_batch_after_one_has_failed) {
  copying.world.calls.fail("writer.commit", {Fault::failed, "disk full"});
  ASSERT_FALSE(copying.run());
  EXPECT_LE(calls("writer.begin"), static_cast<std::size_t>(GetParam()));
  EXPECT_EQ(calls("writer.run"), 0U);
}

TEST_P(Copy, ends_with_the_name_of_a_step_that_fails) {
  copying.contents.schema.steps[2].sql = "FAIL";
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_THAT(findings.error().what, HasSubstr("key of customers"));
  EXPECT_EQ(calls("writer.validate"), 0U);
}

TEST_P(Copy, goes_on_past_an_optional_step_that_fails_and_hands_over_what_was_found) {
  copying.contents.schema.steps[2].sql = "FAIL";
  copying.contents.schema.steps[2].optional = true;
  copying.contents.schema.steps[6].orphans = "7";
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_TRUE(findings) << findings.error().what;
  ASSERT_EQ(findings->size(), 2U);
  EXPECT_EQ((*findings)[0].subject, "key of customers");
  EXPECT_EQ((*findings)[1].code, "OrphanedRows");
}

TEST_P(Copy, names_a_step_that_waits_for_something_that_never_comes) {
  copying.contents.schema.steps[4].after = {8};  // a trigger, which comes after the copy
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_THAT(findings.error().what, HasSubstr("index of all orders"));
}

TEST_P(Copy, of_kept_tables_reads_nothing_and_builds_what_is_left) {
  ASSERT_TRUE(copying.run());
  Copying& again = copying;
  again.kept.assign(again.contents.tables.size(), true);
  const std::size_t readers = calls("source.reader");
  again.contents.schema.steps.resize(7);
  // The view was closed by the first run; a kept database needs none, so closing it again is all that may go wrong.
  again.beside = [](const Until&) -> Result<void> { return Error{Fault::failed, "enough"}; };
  ASSERT_FALSE(again.run());
  EXPECT_EQ(calls("source.reader"), readers);
  EXPECT_EQ(calls("writer.begin"), calls("writer.commit"));
}

TEST_P(Copy, of_an_empty_database_is_done_at_once) {
  Copying empty(GetParam(), SourceDatabase{});
  const Result<std::vector<api::Finding>> findings = empty.run();
  ASSERT_TRUE(findings) << findings.error().what;
  EXPECT_EQ(empty.world.calls.count("source.reader"), 0U);
  EXPECT_EQ(empty.world.calls.count("source.close_snapshot"), 1U);
}

TEST_P(Copy, lets_the_source_go_once) {
  ASSERT_TRUE(copying.run());
  EXPECT_EQ(calls("source.close_snapshot"), 1U);
}

TEST_P(Copy, ends_what_runs_beside_it_when_a_batch_fails) {
  copying.world.calls.fail("stream.next", {Fault::failed, "connection reset"});
  Fault ended = Fault::failed;
  copying.beside = [&](const Until& until) -> Result<void> {
    if (!pause_for(Seconds(50), until.stop)) ended = Fault::cancelled;
    return Error{ended, "large objects were stopped"};
  };
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_EQ(ended, Fault::cancelled);
  EXPECT_THAT(findings.error().what, HasSubstr("connection reset"));
}

TEST_P(Copy, fails_with_what_runs_beside_it) {
  copying.beside = [](const Until&) -> Result<void> { return Error{Fault::denied, "no access to large objects"}; };
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_EQ(findings.error().fault, Fault::denied);
}

TEST_P(Copy, ends_when_the_source_may_keep_its_view_no_longer) {
  copying.watch_period = Milliseconds(1);
  copying.world.calls.fail("source.watch", {Fault::transient, "another session waits"});
  copying.world.calls.before("stream.next", [&] { comes_true([&] { return calls("source.watch") > 0; }); });
  const Result<std::vector<api::Finding>> findings = copying.run();
  ASSERT_FALSE(findings);
  EXPECT_THAT(findings.error().what, HasSubstr("another session waits"));
}

// An index build takes hours; VACUUM on the source must not wait for it.
TEST(CopyWithTwoStreams, lets_the_source_go_after_the_last_row_while_an_index_is_still_built) {
  const Alarm alarm("a copy beside an index build");
  Copying copying(2);
  bool let_go = false;
  copying.world.calls.before("writer.run", [&] {
    let_go = comes_true([&] { return copying.world.calls.count("source.close_snapshot") == 1; });
  });
  ASSERT_TRUE(copying.run());
  EXPECT_TRUE(let_go);
}

}  // namespace
}  // namespace tributary::pipeline
