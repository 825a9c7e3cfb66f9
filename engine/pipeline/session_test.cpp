#include "engine/pipeline/session.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "engine/base/log.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/copying.h"

namespace tributary::pipeline {
namespace {

using api::ExitCode;
using testing::Alarm;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeServers;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::World;

constexpr int always = 1'000'000;
const Error transient{Fault::transient, "connection refused"};
const api::Finding warning{api::Severity::warning, "CollationDiffers", "database shop", "text sorts differently", ""};
const api::Finding unreachable{api::Severity::error, "TargetUnreachable", "target", "no route to host", "check it"};

std::vector<std::string> codes_of(const api::Report& report) {
  std::vector<std::string> codes;
  for (const api::Finding& finding : report.findings) codes.push_back(finding.code);
  return codes;
}

class Session : public ::testing::Test {
 protected:
  Session() {
    world.source["shop"] = testing::any_database();
    spec.snapshot.stall_timeout = Seconds(0);
    log::set_level(log::Level::error);
  }
  void TearDown() override {
    EXPECT_THAT(world.calls.complaints(), IsEmpty());
    EXPECT_EQ(world.connections, 0);
  }

  api::Report run(const Until& until = {}) {
    world.declared = !spec.replication.empty();
    world.drops_existing = spec.snapshot.on_target_not_empty == api::OnTargetNotEmpty::drop;
    world.request_id = spec.snapshot.request_id;
    FakeServers servers(world);
    return run_snapshot(spec, servers, board, until, pauses);
  }
  std::size_t calls(const std::string& name) const { return world.calls.count(name); }

  const Alarm alarm{"a session"};
  World world;
  api::Spec spec;
  ProgressBoard board{""};
  Backoff::Limits pauses{.first = Milliseconds(0)};
};

TEST_F(Session, copies_all_that_is_selected_and_says_what_it_did) {
  spec.replication = "a-uid";
  const api::Report report = run();
  EXPECT_EQ(report.verb, "init");
  EXPECT_EQ(report.replication, "a-uid");
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_EQ(report.reason, "SnapshotComplete");
  EXPECT_EQ(report.message, "copied 15 rows in 5 tables of 1 database");
  EXPECT_EQ(report.consistency, api::Consistency::snapshot);
  EXPECT_THAT(report.findings, IsEmpty());
  ASSERT_EQ(report.databases.size(), 1U);
  EXPECT_EQ(report.databases[0].name, "shop");
  EXPECT_EQ(report.databases[0].target, "shop");
  EXPECT_EQ(report.databases[0].tables, 5U);
  EXPECT_EQ(report.databases[0].rows, 15U);
  EXPECT_EQ(report.databases[0].position, "0/1000");
  EXPECT_TRUE(parse_rfc3339(report.started));
  EXPECT_TRUE(parse_rfc3339(report.finished));
}

TEST_F(Session, says_whether_it_got_past_the_checks) {
  EXPECT_EQ(run().checks, api::Checks::passed);
  EXPECT_EQ(board.snapshot().checks, api::Checks::passed);
  spec.snapshot.request_id = "another";
  world.calls.fail("source.tables", {Fault::failed, "disk full"}, always);
  EXPECT_EQ(run().checks, api::Checks::passed);
  world.preflight = [] {
    return std::vector<api::Finding>{{api::Severity::error, "TargetNotEmpty", "target", "it is not empty", ""}};
  };
  EXPECT_EQ(run().checks, api::Checks::not_passed);
  EXPECT_EQ(board.snapshot().checks, api::Checks::not_passed);
}

TEST_F(Session, leaves_a_target_that_holds_everything) {
  ASSERT_EQ(run().exit_code, ExitCode::done);
  testing::TargetDatabase& target = world.target["shop"];
  for (const auto& [table, rows] : testing::rows_of(world.source["shop"])) EXPECT_EQ(target.rows[table], rows);
  EXPECT_EQ(target.steps.size(), world.source["shop"].schema.steps.size());
  EXPECT_EQ(target.validated.size(), 2U);
  EXPECT_EQ(target.sequences.size(), 1U);
  EXPECT_EQ(target.objects.size(), 2U);
  EXPECT_EQ(target.analyzed.size(), 6U);
  EXPECT_TRUE(target.described);
  EXPECT_TRUE(target.complete);
  EXPECT_EQ(world.roles.size(), 1U);
}

TEST_F(Session, ends_its_progress_at_a_hundred_percent_with_every_row_counted) {
  run();
  const api::Progress progress = board.snapshot();
  EXPECT_EQ(progress.phase, api::Phase::done);
  EXPECT_EQ(progress.percent, 100);
  EXPECT_EQ(progress.message, "copied 15 rows in 5 tables of 1 database");
  EXPECT_EQ(progress.databases.front().rows_copied, 15U);
  EXPECT_EQ(progress.databases.front().tables_done, 5U);
}

TEST_F(Session, copies_several_databases_and_the_roles_once) {
  world.source["stock"] = testing::any_database();
  const api::Report report = run();
  EXPECT_EQ(report.message, "copied 30 rows in 10 tables of 2 databases");
  EXPECT_TRUE(world.target["shop"].complete);
  EXPECT_TRUE(world.target["stock"].complete);
  EXPECT_EQ(calls("link.copy_roles"), 1U);
}

TEST_F(Session, names_the_database_that_failed_and_keeps_those_before_it) {
  world.source["stock"] = testing::any_database();
  world.target["stock"].foreign_rows = true;
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::bad_configuration);
  EXPECT_THAT(report.message, StartsWith("database stock: "));
  ASSERT_EQ(report.databases.size(), 1U);
  EXPECT_EQ(report.databases[0].name, "shop");
  EXPECT_EQ(board.snapshot().phase, api::Phase::failed);
  EXPECT_LT(board.snapshot().percent, 100);
}

TEST_F(Session, does_only_what_the_spec_asks_for) {
  spec.snapshot.roles = false;
  spec.snapshot.large_objects = false;
  ASSERT_EQ(run().exit_code, ExitCode::done);
  EXPECT_THAT(world.roles, IsEmpty());
  EXPECT_THAT(world.target["shop"].objects, IsEmpty());
}

TEST_F(Session, copies_in_as_many_streams_as_the_servers_have_room_for) {
  world.streams = 3;
  ASSERT_EQ(run().exit_code, ExitCode::done);
  EXPECT_EQ(calls("target.writer"), 3U);
}

struct Verdict {
  Fault fault;
  ExitCode code;
  std::string reason;
};

class SessionVerdict : public Session, public ::testing::WithParamInterface<Verdict> {};

INSTANTIATE_TEST_SUITE_P(OfFault, SessionVerdict,
                         ::testing::Values(Verdict{Fault::conflict, ExitCode::failed, "Conflict"},
                                           Verdict{Fault::missing, ExitCode::bad_configuration, "NotFound"},
                                           Verdict{Fault::denied, ExitCode::bad_configuration, "AccessDenied"},
                                           Verdict{Fault::invalid, ExitCode::bad_configuration, "BadConfiguration"},
                                           Verdict{Fault::differs, ExitCode::differences, "Differs"},
                                           Verdict{Fault::lost, ExitCode::lost_position, "PositionLost"},
                                           Verdict{Fault::fenced, ExitCode::fenced, "Fenced"},
                                           Verdict{Fault::cancelled, ExitCode::failed, "Stopped"},
                                           Verdict{Fault::failed, ExitCode::failed, "SnapshotFailed"}),
                         [](const auto& each) { return std::string(name_of(each.param.fault)); });

TEST_P(SessionVerdict, is_told_by_exit_code_and_reason_at_the_first_try) {
  world.calls.fail("source.tables", {GetParam().fault, "on purpose", "look there"}, always);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, GetParam().code);
  EXPECT_EQ(report.reason, GetParam().reason);
  EXPECT_EQ(report.message, "database shop: on purpose");
  EXPECT_EQ(report.hint, "look there");
  EXPECT_EQ(calls("source.tables"), 1U);
}

TEST_F(Session, refuses_with_the_finding_that_forbids_a_snapshot_and_touches_nothing) {
  world.preflight = [] {
    return std::vector<api::Finding>{
        {api::Severity::ok, "SourceReachable", "source", "reached", ""},
        warning,
        {api::Severity::error, "TargetNotEmpty", "target database shop", "it is not empty", "use another"}};
  };
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(report.reason, "TargetNotEmpty");
  EXPECT_EQ(report.message, "target database shop: it is not empty");
  EXPECT_EQ(report.hint, "use another");
  EXPECT_THAT(codes_of(report), ElementsAre("CollationDiffers", "TargetNotEmpty"));
  EXPECT_EQ(calls("servers.link"), 0U);
}

TEST_F(Session, waits_for_a_server_that_is_out_of_reach_and_then_no_longer_speaks_of_it) {
  world.preflight = [this] {
    return calls("servers.preflight") < 3 ? std::vector<api::Finding>{unreachable} : std::vector<api::Finding>{warning};
  };
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_THAT(codes_of(report), ElementsAre("CollationDiffers"));
}

TEST_F(Session, does_not_blame_what_an_earlier_check_found_for_a_check_that_could_not_be_made) {
  world.preflight = [this]() -> Result<std::vector<api::Finding>> {
    if (calls("servers.preflight") == 1) return std::vector<api::Finding>{unreachable};
    return Error{Fault::denied, "password authentication failed"};
  };
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(report.reason, "AccessDenied");
  EXPECT_THAT(report.findings, IsEmpty());
}

TEST_F(Session, shows_the_error_that_it_waits_out_and_tells_it_where_the_wait_is_ended) {
  world.calls.fail("servers.databases", transient, always);
  pauses.first = pauses.cap = std::chrono::hours(1);
  std::stop_source stop;
  std::string shown;
  const std::jthread onlooker([&] {
    while (board.snapshot().phase != api::Phase::waiting) std::this_thread::yield();
    shown = board.snapshot().message;
    stop.request_stop();
  });
  const api::Report report = run({Deadline::never(), stop.get_token()});
  EXPECT_EQ(report.exit_code, ExitCode::failed);
  EXPECT_EQ(report.message, "connection refused");
  EXPECT_EQ(shown, "connection refused");
}

TEST_F(Session, gives_up_a_fault_that_does_not_pass) {
  spec.replication = "a-uid";
  spec.snapshot.stall_timeout = Seconds(1);
  world.calls.fail("servers.databases", transient, always);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::failed);
  EXPECT_EQ(report.reason, "Unavailable");
  EXPECT_EQ(report.message, "connection refused");
  EXPECT_GT(calls("servers.databases"), 1U);
}

TEST_F(Session, gives_up_an_attempt_that_breaks_again_and_again) {
  world.calls.fail("writer.commit", transient, always);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::failed);
  EXPECT_EQ(report.reason, "SnapshotFailed") << "who starts engines counts this one as failed";
  EXPECT_EQ(report.message, "database shop: connection refused");
  EXPECT_EQ(calls("servers.link"), 5U);
}

TEST_F(Session, waits_in_sight_for_an_engine_that_still_holds_the_replication) {
  const int other = 0;
  world.target["shop"].owner = &other;
  std::string shown;
  const std::jthread onlooker([&] {
    while (board.snapshot().phase != api::Phase::waiting) std::this_thread::yield();
    shown = board.snapshot().message;
    const std::lock_guard lock(world.mutex);
    world.target["shop"].owner = nullptr;
  });
  EXPECT_EQ(run().exit_code, ExitCode::done);
  EXPECT_THAT(shown, HasSubstr("another live engine"));
}

TEST_F(Session, tells_what_it_found_once_however_many_attempts_found_it) {
  testing::SourceDatabase& shop = world.source["shop"];
  shop.findings = {{api::Severity::warning, "UnloggedTable", "table public.sizes", "it may be emptied", ""}};
  shop.schema.steps[2].sql = "FAIL";
  shop.schema.steps[2].optional = true;
  shop.schema.steps[6].orphans = "7";
  world.preflight = [] { return std::vector<api::Finding>{warning}; };
  shop.unfit = {{api::Severity::warning, "OwnerNotSet", "database shop", "there is no such role", ""}};
  world.role_findings = {{api::Severity::warning, "RoleSkipped", "role admin", "it is a superuser", ""}};
  world.object_findings = {{api::Severity::warning, "GrantsLeftOut", "role app", "it does not exist", ""}};
  world.calls.fail("target.complete", transient, 2);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_EQ(calls("servers.link"), 3U);
  EXPECT_EQ(calls("link.copy_roles"), 1U);
  EXPECT_THAT(codes_of(report), ElementsAre("CollationDiffers", "RoleSkipped", "GrantsLeftOut", "StepFailed",
                                            "OrphanedRows", "UnloggedTable", "OwnerNotSet"));
  EXPECT_EQ(board.snapshot().databases.front().rows_copied, 15U);
}

TEST_F(Session, copies_nothing_again_where_the_ledger_says_that_all_is_done) {
  spec.replication = "a-uid";
  run();
  const std::string before = world.target["shop"].contents();
  const std::size_t batches = calls("writer.begin");
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_EQ(report.reason, "SnapshotComplete");
  EXPECT_THAT(codes_of(report), ElementsAre("AlreadyComplete"));
  EXPECT_EQ(report.databases.front().rows, 15U);
  EXPECT_EQ(report.databases.front().position, "0/1000");
  EXPECT_EQ(calls("writer.begin"), batches);
  EXPECT_EQ(world.target["shop"].contents(), before);
}

TEST_F(Session, copies_again_where_another_request_asks_for_it) {
  spec.replication = "a-uid";
  run();
  spec.snapshot.request_id = "again";
  EXPECT_THAT(codes_of(run()), IsEmpty());
  EXPECT_EQ(calls("target.prepare"), 2U);
}

TEST_F(Session, by_hand_refuses_what_is_complete_unless_it_is_to_be_dropped) {
  run();
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(report.reason, "AlreadyComplete");
  EXPECT_THAT(codes_of(report), ElementsAre("AlreadyComplete"));
  EXPECT_EQ(calls("target.prepare"), 1U);
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  EXPECT_EQ(run().exit_code, ExitCode::done);
  EXPECT_EQ(calls("target.prepare"), 2U);
}

struct Asked {
  std::string name;
  std::string replication;
  api::OnTargetNotEmpty policy;
};

class SessionWhoseLastAnswerIsLost : public Session, public ::testing::WithParamInterface<Asked> {
 protected:
  SessionWhoseLastAnswerIsLost() {
    spec.replication = GetParam().replication;
    spec.snapshot.on_target_not_empty = GetParam().policy;
    world.source["shop"].schema.steps[6].orphans = "7";
    world.source["shop"].findings = {{api::Severity::warning, "UnloggedTable", "table public.sizes", "", ""}};
  }
  const testing::Calls::Loss lost = testing::Calls::Loss::answer;
};

INSTANTIATE_TEST_SUITE_P(Asked, SessionWhoseLastAnswerIsLost,
                         ::testing::Values(Asked{"by_hand", "", api::OnTargetNotEmpty::fail},
                                           Asked{"by_hand_dropping", "", api::OnTargetNotEmpty::drop},
                                           Asked{"declared", "a-uid", api::OnTargetNotEmpty::fail}),
                         [](const auto& each) { return each.param.name; });

TEST_P(SessionWhoseLastAnswerIsLost, is_done_and_tells_what_it_found) {
  world.calls.fail("target.complete", transient, 1, lost);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(calls("target.prepare"), 1U);
  ASSERT_EQ(report.databases.size(), 1U);
  EXPECT_EQ(report.databases.front().rows, 15U);
  EXPECT_EQ(report.databases.front().position, "0/1000");
  EXPECT_THAT(codes_of(report), ElementsAre("OrphanedRows", "UnloggedTable"));
}

TEST_P(SessionWhoseLastAnswerIsLost, is_done_though_the_target_stays_away_for_a_while) {
  world.calls.fail("target.complete", transient, 1, lost);
  world.calls.before("target.complete", [&] { world.calls.fail("servers.link", transient, 3); });
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(calls("target.prepare"), 1U);
  EXPECT_THAT(codes_of(report), ElementsAre("OrphanedRows", "UnloggedTable"));
}

TEST_P(SessionWhoseLastAnswerIsLost, copies_again_what_did_not_become_complete) {
  world.calls.fail("target.complete", transient);
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(calls("target.prepare"), 2U);
  EXPECT_THAT(codes_of(report), ElementsAre("OrphanedRows", "UnloggedTable"));
}

TEST_F(Session, keeps_finished_tables_where_it_may_and_says_that_they_are_of_different_moments) {
  spec.replication = "a-uid";
  world.resume_per_table = true;
  world.calls.fail("target.set_sequences", {Fault::failed, "killed"});
  ASSERT_EQ(run().exit_code, ExitCode::failed);
  const std::size_t batches = calls("writer.begin");
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_EQ(report.consistency, api::Consistency::per_table);
  EXPECT_EQ(calls("writer.begin"), batches) << "all tables were kept";
  EXPECT_EQ(board.snapshot().databases.front().rows_copied, 15U) << "what is kept counts as copied";
  EXPECT_EQ(run().consistency, api::Consistency::per_table) << "also where it was done before";
}

TEST_F(Session, that_keeps_finished_tables_tells_again_what_it_leaves_out) {
  world.resume_per_table = true;
  world.source["shop"].schema.steps[2].sql = "FAIL";
  world.source["shop"].schema.steps[2].optional = true;
  world.source["shop"].unfit = {{api::Severity::warning, "OwnerNotSet", "database shop", "", ""}};
  world.calls.fail("target.complete", transient);
  const api::Report report = run();
  EXPECT_EQ(report.consistency, api::Consistency::per_table);
  EXPECT_THAT(codes_of(report), ElementsAre("StepFailed", "OwnerNotSet"));
}

TEST_F(Session, writes_nothing_while_another_engine_is_at_it) {
  world.take_over("shop");
  const api::Report report = run();
  EXPECT_EQ(report.exit_code, ExitCode::fenced);
  EXPECT_EQ(report.reason, "Fenced");
  EXPECT_EQ(world.target["shop"].contents(), "");
  EXPECT_THAT(world.roles, IsEmpty());
}

TEST_F(Session, shows_that_large_objects_are_being_copied) {
  world.source["shop"].tables.clear();
  world.source["shop"].schema.steps.clear();
  std::vector<SteadyTime> movements;
  world.calls.before("link.copy_objects", [&] { movements.push_back(board.last_movement()); });
  world.after_object = [&] { movements.push_back(board.last_movement()); };
  ASSERT_EQ(run().exit_code, ExitCode::done);
  ASSERT_EQ(movements.size(), 3U);
  EXPECT_LT(movements[0], movements[1]);
  EXPECT_LT(movements[1], movements[2]);
}

TEST_F(Session, shows_that_what_an_earlier_attempt_left_is_being_taken_back) {
  spec.snapshot.stall_timeout = Seconds(1);
  std::atomic<int> looks = 0;
  world.at_work = [&](const Until&) -> Result<bool> {
    ++looks;
    return true;
  };
  world.calls.before("target.prepare", [&] {
    const SteadyTime before = board.last_movement();
    while (looks == 0 || board.last_movement() == before) std::this_thread::yield();
  });
  EXPECT_EQ(run().exit_code, ExitCode::done);
}

TEST_F(Session, shows_that_the_source_is_at_work) {
  spec.snapshot.stall_timeout = Seconds(1);
  std::atomic<int> looks = 0;
  world.source_at_work = [&](const Until&) -> Result<bool> {
    ++looks;
    return true;
  };
  world.calls.before("source.schema", [&] {
    const SteadyTime before = board.last_movement();
    while (looks == 0 || board.last_movement() == before) std::this_thread::yield();
  });
  EXPECT_EQ(run().exit_code, ExitCode::done);
}

TEST_F(Session, is_over_at_its_deadline) {
  const api::Report report = run({Deadline::after(Milliseconds(0)), {}});
  EXPECT_EQ(report.exit_code, ExitCode::failed);
  EXPECT_EQ(report.reason, "Unavailable");
}

}  // namespace
}  // namespace tributary::pipeline
