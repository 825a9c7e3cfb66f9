#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "engine/base/log.h"
#include "engine/pipeline/session.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/fake_servers.h"

// What the source keeps for a copy is told for as long as it keeps it.
namespace tributary::pipeline {
namespace {

using api::ExitCode;
using testing::Alarm;
using ::testing::IsEmpty;
using testing::World;

constexpr int always = 1'000'000;
const Error transient{Fault::transient, "connection refused"};

class AWatchedSlot : public ::testing::Test {
 protected:
  AWatchedSlot() {
    log::set_level(log::Level::error);
    world.source["shop"] = testing::any_database();
    world.declared = world.goes_on = world.is_followed = true;
    world.slot_health = [this](const std::string& database) -> Result<SlotHealth> {
      if (source_is_away) return transient;
      return SlotHealth{"slot of " + database, {}, ++kept};
    };
    spec.mode = api::Mode::snapshot_and_sync;
    spec.replication = "a-uid";
    spec.snapshot.stall_timeout = Seconds(0);
  }
  void TearDown() override { EXPECT_THAT(world.calls.complaints(), IsEmpty()); }

  api::Report run(const std::function<void()>& onlooker) {
    const std::jthread beside([&] {
      onlooker();
      stop.request_stop();
    });
    testing::FakeServers servers(world);
    return run_snapshot(spec, servers, board, {Deadline::never(), stop.get_token()}, {.first = Milliseconds(0)},
                        Milliseconds(1));
  }
  api::StreamProgress stream(const std::string& database = "shop") const {
    for (const api::DatabaseProgress& each : board.snapshot().databases)
      if (each.name == database && each.stream) return *each.stream;
    return {};
  }
  static void wait_until(const std::function<bool()>& true_at_last) {
    while (!true_at_last()) std::this_thread::yield();
  }
  // Looks that began by now are over.
  void wait_for_a_later_look(const std::string& database = "shop") {
    const std::uint64_t now = kept;
    wait_until([&] { return stream(database).retained_bytes.value_or(0) > now + 1; });
  }

  const Alarm alarm{"a watched slot"};
  World world;
  api::Spec spec;
  ProgressBoard board{""};
  std::stop_source stop;
  std::atomic<std::uint64_t> kept = 0;
  std::atomic<bool> source_is_away = false;
};

TEST_F(AWatchedSlot, is_measured_while_the_session_waits_for_a_server) {
  world.calls.fail("writer.commit", transient);
  world.calls.before("writer.commit", [&] { world.calls.fail("servers.link", transient, always); });
  run([&] {
    wait_until([&] { return world.calls.count("servers.link") >= 3; });
    wait_for_a_later_look();
    EXPECT_EQ(stream().slot, "slot of shop");
  });
  EXPECT_EQ(world.source["shop"].slot, 1);
}

TEST_F(AWatchedSlot, is_measured_from_its_making_on) {
  world.calls.before("source.tables", [&] { wait_for_a_later_look(); });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
}

TEST_F(AWatchedSlot, is_of_unknown_cost_while_its_source_is_away) {
  world.calls.before("writer.commit", [&] {
    wait_for_a_later_look();
    source_is_away = true;
    wait_until([&] { return !stream().retained_bytes; });
    EXPECT_EQ(stream().error, "connection refused");
    source_is_away = false;
    wait_for_a_later_look();
  });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
}

TEST_F(AWatchedSlot, of_an_earlier_engine_is_measured_while_the_checks_wait_for_the_target) {
  world.preflight = [] {
    return std::vector<api::Finding>{{api::Severity::error, "TargetUnreachable", "target", "no route to host", ""}};
  };
  run([&] { wait_for_a_later_look(); });
  EXPECT_EQ(board.snapshot().checks, api::Checks::not_passed);
}

TEST_F(AWatchedSlot, that_is_not_there_costs_nothing) {
  world.preflight = [] {
    return std::vector<api::Finding>{{api::Severity::error, "TargetUnreachable", "target", "no route to host", ""}};
  };
  std::atomic<int> looks = 0;
  world.slot_health = [&](const std::string&) -> Result<SlotHealth> {
    ++looks;
    return Error{Fault::lost, "the slot is gone"};
  };
  run([&] { wait_until([&] { return looks > 0 && world.calls.count("servers.preflight") > 3; }); });
  EXPECT_EQ(stream(), api::StreamProgress{});
  EXPECT_EQ(looks, 1) << "nobody makes one meanwhile";
}

TEST_F(AWatchedSlot, of_a_finished_database_is_measured_while_another_is_copied) {
  world.source["stock"] = testing::any_database();
  int snapshots = 0;
  std::function<void()> look = [&] {
    if (++snapshots == 2) wait_for_a_later_look("shop");
    world.calls.before("source.open_snapshot", look);
  };
  world.calls.before("source.open_snapshot", look);
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
  EXPECT_EQ(snapshots, 2);
  EXPECT_TRUE(stream("shop").retained_bytes);
  EXPECT_FALSE(stream("stock").retained_bytes) << "one session for all: what it keeps is part of what the eldest does";
}

TEST_F(AWatchedSlot, of_a_database_that_an_earlier_engine_finished_is_measured_too) {
  world.source["stock"] = testing::any_database();
  world.calls.before("source.open_snapshot", [&] {
    world.calls.before("source.open_snapshot", [&] { world.calls.fail("source.tables", {Fault::failed, "killed"}); });
  });
  ASSERT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::failed; }); }).exit_code,
            ExitCode::failed);
  ASSERT_TRUE(world.target["shop"].complete);
  stop = {};
  world.calls.before("source.open_snapshot", [&] { wait_for_a_later_look("shop"); });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
}

TEST_F(AWatchedSlot, of_an_earlier_engine_is_measured_while_an_attempt_waits_for_the_target) {
  world.calls.fail("servers.link", transient, always);
  run([&] { wait_for_a_later_look(); });
  EXPECT_EQ(world.source["shop"].slot, 0) << "this one has made none";
}

TEST_F(AWatchedSlot, of_a_snapshot_is_forgotten_with_the_slot) {
  world.is_followed = false;
  spec.mode = api::Mode::snapshot;
  spec.snapshot.keep_slot = true;
  world.calls.before("target.complete", [&] { wait_for_a_later_look(); });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
  EXPECT_EQ(world.source["shop"].slot, 0);
  EXPECT_EQ(stream(), api::StreamProgress{});
}

TEST_F(AWatchedSlot, of_a_copy_that_failed_is_forgotten_with_the_slot) {
  world.calls.before("source.tables", [&] {
    wait_for_a_later_look();
    world.calls.fail("source.schema", {Fault::failed, "no such thing"});
  });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::failed; }); }).exit_code,
            ExitCode::failed);
  EXPECT_EQ(world.source["shop"].slot, 0);
  EXPECT_EQ(stream(), api::StreamProgress{});
}

TEST_F(AWatchedSlot, that_is_made_after_the_one_before_was_lost_is_measured) {
  std::atomic<bool> is_missed = false;
  std::atomic<bool> is_made = false;
  world.slot_health = [&](const std::string&) -> Result<SlotHealth> {
    if (is_made) return SlotHealth{"slot", {}, ++kept};
    is_missed = true;
    return Error{Fault::lost, "the slot is gone"};
  };
  world.calls.fail("servers.link", transient, 3);
  world.calls.before("source.open_snapshot", [&] {
    wait_until([&] { return is_missed.load(); });
    is_made = true;
  });
  world.calls.before("source.tables", [&] { wait_for_a_later_look(); });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
}

TEST_F(AWatchedSlot, of_a_finished_snapshot_is_not_looked_for) {
  world.source["stock"] = testing::any_database();
  world.is_followed = false;
  spec.mode = api::Mode::snapshot;
  spec.snapshot.keep_slot = true;
  std::atomic<int> of_shop = 0;
  world.slot_health = [&](const std::string& database) {
    if (database == "shop") ++of_shop;
    return SlotHealth{"slot of " + database, {}, ++kept};
  };
  int before = 0;
  world.calls.before("source.open_snapshot", [&] {
    world.calls.before("source.open_snapshot", [&] {
      before = of_shop;
      world.calls.before("source.tables", [&] {
        for (int looks = 0; looks < 5; ++looks) wait_for_a_later_look("stock");
      });
    });
  });
  EXPECT_EQ(run([&] { wait_until([&] { return board.snapshot().phase == api::Phase::done; }); }).exit_code,
            ExitCode::done);
  EXPECT_EQ(of_shop, before);
}

}  // namespace
}  // namespace tributary::pipeline
