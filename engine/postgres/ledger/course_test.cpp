#include "engine/postgres/ledger/course.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using api::OnTargetNotEmpty;

std::optional<ReplicationRow> ledger(bool complete, const std::string& request = "") {
  ReplicationRow row;
  row.epoch = 3;
  row.complete = complete;
  row.request_id = request;
  return row;
}

api::SnapshotOptions options(OnTargetNotEmpty policy, const std::string& request = "") {
  api::SnapshotOptions made;
  made.on_target_not_empty = policy;
  made.request_id = request;
  return made;
}

TEST(WhatIsDropped, is_nothing_where_nobody_asked_for_it) {
  for (const OnTargetNotEmpty policy : {OnTargetNotEmpty::fail, OnTargetNotEmpty::append})
    for (const bool whole : {true, false}) EXPECT_EQ(to_drop(options(policy), whole, {}), Drop::nothing);
}

TEST(WhatIsDropped, is_the_database_only_where_all_of_its_tables_are_selected) {
  EXPECT_EQ(to_drop(options(OnTargetNotEmpty::drop), true, {}), Drop::database);
  EXPECT_EQ(to_drop(options(OnTargetNotEmpty::drop), true, ledger(true)), Drop::database);
  EXPECT_EQ(to_drop(options(OnTargetNotEmpty::drop), false, {}), Drop::tables);
  EXPECT_EQ(to_drop(options(OnTargetNotEmpty::drop), false, ledger(false)), Drop::tables);
}

TEST(WhatIsDropped, is_not_what_a_resumed_run_keeps) {
  api::SnapshotOptions resumed = options(OnTargetNotEmpty::drop);
  resumed.resume_per_table = true;
  EXPECT_EQ(to_drop(resumed, true, ledger(false)), Drop::nothing);
  EXPECT_EQ(to_drop(resumed, true, ledger(true)), Drop::database);
  EXPECT_EQ(to_drop(resumed, true, {}), Drop::database);
}

TEST(TheCourse, is_to_copy_what_is_not_complete) {
  for (const OnTargetNotEmpty policy : {OnTargetNotEmpty::fail, OnTargetNotEmpty::append, OnTargetNotEmpty::drop})
    for (const std::string declared : {"", "uid"}) {
      EXPECT_EQ(course_of(options(policy), declared, {}), Course::copy);
      EXPECT_EQ(course_of(options(policy), declared, ledger(false)), Course::copy);
    }
}

TEST(TheCourse, of_a_declared_replication_that_is_complete_hangs_on_its_request) {
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::drop), "uid", ledger(true)), Course::done);
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::fail, "2"), "uid", ledger(true, "2")), Course::done);
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::fail, "2"), "uid", ledger(true, "1")), Course::copy);
}

TEST(TheCourse, of_a_complete_snapshot_by_hand_is_to_say_so_unless_it_is_dropped) {
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::fail), "", ledger(true)), Course::refused);
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::append), "", ledger(true)), Course::refused);
  EXPECT_EQ(course_of(options(OnTargetNotEmpty::drop), "", ledger(true)), Course::copy);
}

TEST(TheCourse, of_what_this_very_run_has_completed_is_done) {
  for (const OnTargetNotEmpty policy : {OnTargetNotEmpty::fail, OnTargetNotEmpty::append, OnTargetNotEmpty::drop})
    for (const std::string declared : {"", "uid"}) {
      EXPECT_EQ(course_of(options(policy), declared, ledger(true), 3), Course::done);
      EXPECT_EQ(course_of(options(policy), declared, ledger(false), 3), Course::copy);
      EXPECT_EQ(course_of(options(policy), declared, ledger(true), 2),
                course_of(options(policy), declared, ledger(true)));
    }
}

}  // namespace
}  // namespace tributary::postgres
