#include <gmock/gmock.h>

#include "engine/base/log.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/attempt.h"
#include "engine/pipeline/testing/copying.h"

// A copy whose stream was made before it, ended at each of its calls in turn while somebody writes, and the attempt
// that goes on with it.
namespace tributary::pipeline {
namespace {

using api::ExitCode;
using testing::Alarm;
using testing::attempt;
using testing::Calls;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SourceDatabase;
using testing::TargetDatabase;
using testing::World;

const Error transient{Fault::transient, "connection reset"};

struct Sweep {
  std::string name;
  bool is_followed = true;
  int streams = 1;
  Calls::Loss loss = Calls::Loss::call;
};

void make(World& world, const Sweep& sweep) {
  world.streams = sweep.streams;
  world.is_followed = sweep.is_followed;
  world.declared = world.goes_on = world.writes = true;
  world.not_streamed = {"sizes"};
  world.source["shop"] = testing::any_database();
}

// Every table as it was at the one position that the ledger names, and all that is built on them.
void expect_one_moment(World& world) {
  const TargetDatabase& target = world.target["shop"];
  ASSERT_TRUE(target.complete);
  ASSERT_EQ(world.views.count(target.position), 1U);
  for (const auto& [name, rows] : testing::rows_of(world.views.at(target.position)))
    EXPECT_EQ(target.rows.at(name), rows) << name.name;
  EXPECT_EQ(target.steps.size(), world.source["shop"].schema.steps.size());
  EXPECT_EQ(target.validated.size(), 2U);
  EXPECT_EQ(target.analyzed.size(), 6U);
  EXPECT_GE(target.applied, target.position);
}

// A slot is there exactly where the stream is to go on, and keeps all that the target lacks.
void expect_what_the_source_keeps(World& world) {
  const SourceDatabase& source = world.source["shop"];
  EXPECT_EQ(source.slot != 0, world.is_followed);
  EXPECT_LE(source.confirmed, world.target["shop"].applied);
  EXPECT_EQ(world.target["shop"].released, !world.is_followed);
}

class AnAttemptAfterOne : public ::testing::TestWithParam<Sweep> {
 protected:
  void SetUp() override { log::set_level(log::Level::error); }

  // `disturb` says whether there was a call of this number.
  void sweep(const std::function<bool(World&, std::size_t number)>& disturb, std::size_t least) const {
    const std::size_t threads = testing::threads_now();
    bool struck = true;
    for (std::size_t number = 1; struck && !HasFailure(); ++number) {
      SCOPED_TRACE("call " + std::to_string(number));
      const Alarm alarm("a session that is ended at call " + std::to_string(number));
      World world;
      make(world, GetParam());
      struck = disturb(world, number);
      EXPECT_THAT(world.calls.complaints(), IsEmpty());
      EXPECT_EQ(world.connections, 0);
      EXPECT_TRUE(struck || number > least) << "the sweep saw next to nothing";
    }
    testing::wait_for_threads(threads);
  }

  // The next one ends with one moment, and copies no finished table of the stream that is still there again.
  void expect_the_next_one_to_go_on(World& world) const {
    const TargetDatabase former = world.target["shop"];
    const bool goes_on = !former.complete && former.slot == testing::slot_name(world.source["shop"].slot);
    const api::Report report = attempt(world);
    ASSERT_EQ(report.exit_code, ExitCode::done) << report.message;
    EXPECT_EQ(report.consistency, api::Consistency::snapshot);
    expect_one_moment(world);
    expect_what_the_source_keeps(world);
    EXPECT_EQ(report.databases.at(0).position, to_string(world.target["shop"].position));
    for (const auto& [name, position] : former.followed) {
      const int copied = goes_on && former.whole(name) ? former.copied.at(name) : world.target["shop"].copied[name];
      EXPECT_EQ(world.target["shop"].copied[name], copied) << name.name;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(OfAnyKind, AnAttemptAfterOne,
                         ::testing::Values(Sweep{"followed"}, Sweep{"not_followed", false},
                                           Sweep{"losing_answers", true, 1, Calls::Loss::answer},
                                           Sweep{"not_followed_losing_answers", false, 1, Calls::Loss::answer},
                                           Sweep{"three_streams", true, 3}),
                         [](const auto& each) { return each.param.name; });

TEST_P(AnAttemptAfterOne, that_failed_goes_on_with_its_tables) {
  sweep(
      [&](World& world, std::size_t number) {
        world.calls.fail(number, {Fault::failed, "killed"}, GetParam().loss);
        attempt(world);
        if (world.calls.struck()) expect_the_next_one_to_go_on(world);
        return world.calls.struck();
      },
      60);
}

TEST_P(AnAttemptAfterOne, that_was_stopped_goes_on_with_its_tables) {
  sweep(
      [&](World& world, std::size_t number) {
        std::stop_source stop;
        world.calls.before(number, [&] { stop.request_stop(); });
        attempt(world, {Deadline::never(), stop.get_token()});
        if (world.calls.struck()) expect_the_next_one_to_go_on(world);
        return world.calls.struck();
      },
      60);
}

TEST_P(AnAttemptAfterOne, that_broke_for_a_moment_goes_on_in_the_same_session) {
  sweep(
      [&](World& world, std::size_t number) {
        world.calls.fail(number, transient, GetParam().loss);
        const api::Report report = attempt(world);
        EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
        EXPECT_EQ(report.consistency, api::Consistency::snapshot);
        expect_one_moment(world);
        expect_what_the_source_keeps(world);
        return world.calls.struck();
      },
      60);
}

// Nobody comes back for what an engine by hand leaves, unless it is a complete copy.
TEST_P(AnAttemptAfterOne, that_was_stopped_by_hand_finds_a_slot_only_with_a_complete_copy) {
  sweep(
      [&](World& world, std::size_t number) {
        std::stop_source stop;
        world.declared = false;
        world.calls.before(number, [&] { stop.request_stop(); });
        attempt(world, {Deadline::never(), stop.get_token()}, "");
        const bool has_slot = world.source["shop"].slot != 0;
        const bool is_complete = world.target["shop"].complete;
        EXPECT_TRUE(is_complete || !has_slot) << "a slot without a copy";
        EXPECT_TRUE(has_slot || !is_complete || !GetParam().is_followed) << "a copy without its slot";
        return world.calls.struck();
      },
      60);
}

// The second is ended at each of its calls too: of those that go on, a third gets another position.
TEST_P(AnAttemptAfterOne, that_went_on_itself_goes_on) {
  sweep(
      [&](World& world, std::size_t number) {
        world.calls.fail("writer.analyze", {Fault::failed, "killed"});
        attempt(world);
        const std::size_t before = world.calls.count();
        world.calls.fail(before + number, {Fault::failed, "killed"}, GetParam().loss);
        const api::Report second = attempt(world);
        if (second.exit_code != ExitCode::done) expect_the_next_one_to_go_on(world);
        return world.calls.count() >= before + number && second.exit_code != ExitCode::done;
      },
      20);
}

class ASessionThatGoesOn : public ::testing::Test {
 protected:
  ASessionThatGoesOn() {
    log::set_level(log::Level::error);
    make(world, {});
  }
  void TearDown() override { EXPECT_THAT(world.calls.complaints(), IsEmpty()); }
  void kill_at(const std::string& call) {
    world.calls.fail(call, {Fault::failed, "killed"});
    EXPECT_EQ(attempt(world).exit_code, ExitCode::failed);
  }
  int copied(const std::string& table) { return world.target["shop"].copied[{"public", table}]; }

  const Alarm alarm{"a session that goes on"};
  World world;
};

TEST_F(ASessionThatGoesOn, copies_tables_without_a_stream_again_and_no_others) {
  kill_at("writer.validate");
  ASSERT_EQ(attempt(world).exit_code, ExitCode::done);
  EXPECT_EQ(copied("sizes"), 2);
  EXPECT_EQ(copied("orders"), 1);
  EXPECT_EQ(copied("customers"), 1);
  expect_one_moment(world);
}

TEST_F(ASessionThatGoesOn, begins_anew_where_the_schema_has_changed) {
  kill_at("writer.validate");
  SourceDatabase& shop = world.source["shop"];
  SchemaStep another;
  another.stage = Stage::after_data;
  another.object = "another trigger";
  shop.schema.steps.push_back(another);
  ASSERT_EQ(attempt(world).exit_code, ExitCode::done);
  EXPECT_EQ(copied("orders"), 2);
  EXPECT_EQ(world.target["shop"].slot, testing::slot_name(2)) << "a slot of its own";
  expect_one_moment(world);
}

TEST_F(ASessionThatGoesOn, begins_anew_where_the_slot_is_gone) {
  kill_at("writer.validate");
  world.source["shop"].slot = 0;
  ASSERT_EQ(attempt(world).exit_code, ExitCode::done);
  EXPECT_EQ(copied("orders"), 2);
  expect_one_moment(world);
}

TEST_F(ASessionThatGoesOn, copies_a_table_again_whose_changes_do_not_fit) {
  kill_at("writer.validate");
  world.calls.fail("applier.apply", {Fault::differs, "table public.orders: no such row"});
  const api::Report report = attempt(world);
  ASSERT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(world.calls.count("applier.stop"), 1U);
  EXPECT_EQ(copied("orders"), 2);
  EXPECT_EQ(copied("customers"), 1);
  expect_one_moment(world);
}

TEST_F(ASessionThatGoesOn, begins_anew_where_the_stream_was_lost_on_the_way) {
  kill_at("writer.validate");
  world.calls.fail("drain.applier", {Fault::lost, "the slot was invalidated"});
  world.calls.before("drain.applier", [&] { world.source["shop"].slot = 99; });
  const api::Report report = attempt(world);
  ASSERT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_EQ(copied("orders"), 2);
  expect_one_moment(world);
}

// A line that breaks once a day, in small.
TEST_F(ASessionThatGoesOn, breaks_as_often_as_it_may_while_each_time_more_tables_are_finished) {
  SourceDatabase& shop = world.source["shop"];
  for (int more = 0; more < 8; ++more) {
    shop.tables.push_back(shop.tables.at(2));
    shop.tables.back().table.name.name = "more_" + std::to_string(more);
  }
  int commits = 0;
  std::function<void()> break_the_next = [&] {
    if (++commits % 2 == 1) world.calls.fail("writer.commit", transient);
    world.calls.before("writer.commit", break_the_next);
  };
  world.calls.before("writer.commit", break_the_next);
  const api::Report report = attempt(world);
  EXPECT_EQ(report.exit_code, ExitCode::done) << report.message;
  EXPECT_GE(world.calls.count("servers.link"), 10U);
  EXPECT_EQ(copied("orders"), 1);
}

TEST_F(ASessionThatGoesOn, is_given_up_where_it_breaks_again_and_again_at_the_same_table) {
  world.calls.before("writer.commit", [&] {
    world.calls.before("writer.commit", [&] { world.calls.fail("writer.commit", transient, 1'000'000); });
  });
  const api::Report report = attempt(world);
  EXPECT_EQ(report.reason, "SnapshotFailed");
  EXPECT_EQ(world.calls.count("servers.link"), 5U);
}

TEST_F(ASessionThatGoesOn, leaves_no_slot_after_a_refusal) {
  world.calls.fail("target.set_sequences", {Fault::invalid, "not allowed"});
  EXPECT_EQ(attempt(world).exit_code, ExitCode::bad_configuration);
  EXPECT_EQ(world.source["shop"].slot, 0);
}

TEST_F(ASessionThatGoesOn, by_hand_leaves_no_slot_after_its_last_failure) {
  world.calls.fail("writer.commit", transient, 1'000'000);
  EXPECT_EQ(attempt(world, {}, "").exit_code, ExitCode::failed);
  EXPECT_EQ(world.source["shop"].slot, 0);
}

// Nothing is complete then, so nobody goes on from there.
TEST_F(ASessionThatGoesOn, by_hand_leaves_no_slot_where_it_is_not_called_complete) {
  world.calls.fail("target.complete", {Fault::failed, "the ledger lacks a table"});
  EXPECT_EQ(attempt(world, {}, "").exit_code, ExitCode::failed);
  EXPECT_FALSE(world.target["shop"].complete);
  EXPECT_EQ(world.source["shop"].slot, 0);
}

TEST_F(ASessionThatGoesOn, by_hand_leaves_the_slot_to_a_copy_that_is_complete_although_nobody_said_so) {
  world.calls.fail("target.complete", {Fault::failed, "the answer was lost"}, 1, Calls::Loss::answer);
  EXPECT_EQ(attempt(world, {}, "").exit_code, ExitCode::failed);
  EXPECT_TRUE(world.target["shop"].complete);
  EXPECT_EQ(world.source["shop"].slot, 1);
}

TEST_F(ASessionThatGoesOn, keeps_the_slot_of_a_declared_replication_for_another_engine) {
  world.calls.fail("writer.validate", {Fault::failed, "out of memory"});
  EXPECT_EQ(attempt(world).exit_code, ExitCode::failed);
  EXPECT_EQ(world.source["shop"].slot, 1);
}

TEST_F(ASessionThatGoesOn, never_touches_the_slot_of_an_engine_that_took_over) {
  world.calls.before("writer.validate", [&] { world.take_over("shop"); });
  EXPECT_EQ(attempt(world).exit_code, ExitCode::fenced);
  EXPECT_NE(world.source["shop"].slot, 0);
}

TEST_F(ASessionThatGoesOn, drops_the_slot_of_a_snapshot_that_was_complete_before) {
  world.is_followed = false;
  world.calls.fail("servers.drop_stream", {Fault::failed, "killed"});
  EXPECT_EQ(attempt(world).exit_code, ExitCode::failed);
  EXPECT_TRUE(world.target["shop"].complete);
  EXPECT_EQ(world.source["shop"].slot, 1);
  const api::Report report = attempt(world);
  EXPECT_EQ(report.exit_code, ExitCode::done);
  EXPECT_EQ(world.source["shop"].slot, 0);
  EXPECT_EQ(copied("orders"), 1);
}

TEST_F(ASessionThatGoesOn, drops_the_slot_of_a_snapshot_though_somebody_has_advanced_it) {
  world.is_followed = false;
  world.calls.before("target.complete", [&] {
    const std::lock_guard lock(world.mutex);
    world.source["shop"].confirmed = model::Lsn{0xFFFFFF};
  });
  EXPECT_EQ(attempt(world).exit_code, ExitCode::done);
  EXPECT_EQ(world.source["shop"].slot, 0);
}

}  // namespace
}  // namespace tributary::pipeline
