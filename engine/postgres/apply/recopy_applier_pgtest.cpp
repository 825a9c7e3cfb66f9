#include <gtest/gtest.h>

#include "engine/postgres/apply/testing/change_log.h"
#include "engine/postgres/apply/testing/replica.h"
#include "engine/testing/postgres_server.h"

// Changes of tables that are copied again, beside the stream that goes on with the others.
namespace tributary::postgres::apply {
namespace {

using pipeline::ApplyMode;
using testbed::ChangeLog;

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

class ARecopyApplier : public ::testing::Test {
 protected:
  ARecopyApplier() {
    replica_.recopied_at("again", {0x1010});
    main_ = replica_.open();
  }

  std::string position_of(const std::string& table) {
    return replica_.database().scalar("SELECT position FROM _tributary.table_state WHERE table_name = '" + table + "'");
  }
  std::string rows_of(const std::string& table) {
    return replica_.database().scalar("SELECT string_agg(id::text, ' ' ORDER BY id) FROM " + table);
  }

  testbed::Replica replica_{testbed::server(15),
                            "CREATE TABLE again (id int PRIMARY KEY);"
                            "CREATE TABLE other (id int PRIMARY KEY)"};
  const testbed::LogTablePtr again_ = testbed::described(replica_.database(), "again");
  const testbed::LogTablePtr other_ = testbed::described(replica_.database(), "other");
  std::unique_ptr<pipeline::Applier> main_;
};

TEST_F(ARecopyApplier, applies_its_tables_alone_and_moves_their_position_alone) {
  const auto applier = replica_.open_for({{"public", "again"}}).value();
  EXPECT_EQ(applier->position().applied, model::Lsn{0x1010});
  ChangeLog log;
  log.begin().insert(again_, {"1"}).insert(other_, {"1"}).commit();
  log.begin().insert(again_, {"2"}).insert(other_, {"2"}).commit();
  log.idle({0x5000});
  ASSERT_TRUE(applier->apply(log.batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(applier->commit(true, soon()));
  EXPECT_EQ(rows_of("again"), "2") << "what lies below its position is in its rows";
  EXPECT_EQ(rows_of("other"), "");
  EXPECT_EQ(position_of("again"), "0/5000");
  EXPECT_EQ(position_of("other"), "0/0");
  EXPECT_EQ(replica_.database().scalar("SELECT applied FROM _tributary.stream"), "0/0");
  ASSERT_TRUE(main_->apply(log.batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(main_->commit(true, soon()));
  EXPECT_EQ(rows_of("again"), "2") << "passed over by the stream meanwhile";
  EXPECT_EQ(rows_of("other"), "1 2");
}

TEST_F(ARecopyApplier, cannot_commit_after_another_engine_has_taken_over) {
  const auto applier = replica_.open_for({{"public", "again"}}).value();
  const auto successor = replica_.open();
  ChangeLog log({0x2000});
  log.begin().insert(again_, {"3"}).commit();
  ASSERT_TRUE(applier->apply(log.batch(), ApplyMode::ordered, soon()));
  const Result<void> committed = applier->commit(true, soon());
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().fault, Fault::fenced);
  EXPECT_EQ(rows_of("again"), "");
}

TEST_F(ARecopyApplier, tells_a_table_that_is_not_copied_again_any_more_from_a_lost_fence) {
  const auto applier = replica_.open_for({{"public", "again"}}).value();
  replica_.database().exec("UPDATE _tributary.table_state SET stream = 'stopped' WHERE table_name = 'again'");
  ChangeLog log({0x2000});
  log.begin().insert(again_, {"3"}).commit();
  ASSERT_TRUE(applier->apply(log.batch(), ApplyMode::ordered, soon()));
  const Result<void> committed = applier->commit(true, soon());
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().fault, Fault::transient);
  EXPECT_EQ(rows_of("again"), "");
}

TEST_F(ARecopyApplier, is_refused_for_tables_that_are_not_copied_again) {
  const auto applier = replica_.open_for({{"public", "again"}, {"public", "other"}});
  ASSERT_FALSE(applier);
  EXPECT_EQ(applier.error().fault, Fault::missing);
}

TEST_F(ARecopyApplier, hands_its_tables_to_the_stream_that_reads_the_list_anew) {
  ChangeLog log({0x3000});
  log.begin().insert(again_, {"1"}).insert(other_, {"1"}).commit();
  ASSERT_TRUE(main_->apply(log.batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(main_->reload(soon())) << "what was not committed is given up";
  ASSERT_TRUE(main_->commit(true, soon()));
  EXPECT_EQ(rows_of("other"), "");
  EXPECT_EQ(main_->position().applied, model::Lsn{0});
  ASSERT_TRUE(main_->apply(log.batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(main_->commit(false, soon()));
  replica_.copied_at("again", log.next());
  ASSERT_TRUE(main_->reload(soon()));
  ChangeLog later(log.next());
  later.begin().insert(again_, {"2"}).insert(other_, {"2"}).commit();
  ASSERT_TRUE(main_->apply(later.batch(), ApplyMode::coalesced, soon()));
  ASSERT_TRUE(main_->commit(false, soon()));
  EXPECT_EQ(rows_of("again"), "2");
  EXPECT_EQ(rows_of("other"), "1 2");
}

}  // namespace
}  // namespace tributary::postgres::apply
