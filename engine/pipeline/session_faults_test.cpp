#include <gmock/gmock.h>

#include "engine/base/log.h"
#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/attempt.h"

// A whole session, undone at each of its calls in turn, and what the next one makes of it.
namespace tributary::pipeline {
namespace {

using api::ExitCode;
using testing::Alarm;
using testing::attempt;
using testing::Calls;
using ::testing::IsEmpty;
using testing::World;

struct Sweep {
  std::string name;
  int streams = 1;
  bool resume_per_table = false;
  Calls::Loss loss = Calls::Loss::call;
  bool is_followed = true;
};

void make(World& world, const Sweep& sweep) {
  world.streams = sweep.streams;
  world.resume_per_table = sweep.resume_per_table;
  world.declared = true;
  world.is_followed = sweep.is_followed;
  world.source["shop"] = testing::any_database();
  world.source["shop"].findings = {{api::Severity::warning, "UnloggedTable", "table public.sizes", "", ""}};
}

class EveryCallOfASession : public ::testing::TestWithParam<Sweep> {
 protected:
  void SetUp() override {
    log::set_level(log::Level::error);
    World world;
    make(world, GetParam());
    ASSERT_EQ(attempt(world).exit_code, ExitCode::done);
    undisturbed_ = world.target["shop"].contents();
  }

  // `disturb` prepares a new world to be disturbed at the call, runs a session in it and looks at what came of it.
  void sweep(const std::function<void(World&, std::size_t number)>& disturb) const {
    const std::size_t threads = testing::threads_now();
    bool struck = true;
    for (std::size_t number = 1; struck && !HasFailure(); ++number) {
      SCOPED_TRACE("call " + std::to_string(number));
      const Alarm alarm("a session that is disturbed at call " + std::to_string(number));
      World world;
      make(world, GetParam());
      disturb(world, number);
      struck = world.calls.struck();
      EXPECT_THAT(world.calls.complaints(), IsEmpty());
      EXPECT_EQ(world.connections, 0);
      EXPECT_TRUE(struck || number > 60) << "the sweep saw next to nothing";
    }
    testing::wait_for_threads(threads);
  }

  void expect_the_next_one_to_complete(World& world) const {
    EXPECT_EQ(attempt(world).exit_code, ExitCode::done);
    EXPECT_EQ(world.target["shop"].contents(), undisturbed_);
    EXPECT_EQ(world.source["shop"].slot != 0, GetParam().is_followed);
  }

  std::string undisturbed_;  // what a target holds after a session
};

INSTANTIATE_TEST_SUITE_P(OfAnyKind, EveryCallOfASession,
                         ::testing::Values(Sweep{"one_stream", 1, false, Calls::Loss::call},
                                           Sweep{"one_stream_losing_answers", 1, false, Calls::Loss::answer},
                                           Sweep{"not_followed", 1, false, Calls::Loss::call, false},
                                           Sweep{"not_followed_losing_answers", 1, false, Calls::Loss::answer, false},
                                           Sweep{"resuming", 1, true, Calls::Loss::call},
                                           Sweep{"resuming_losing_answers", 1, true, Calls::Loss::answer},
                                           Sweep{"four_streams", 4, false, Calls::Loss::call},
                                           Sweep{"four_streams_losing_answers", 4, false, Calls::Loss::answer},
                                           Sweep{"four_streams_resuming", 4, true, Calls::Loss::answer}),
                         [](const auto& each) { return each.param.name; });

TEST_P(EveryCallOfASession, may_fail_and_the_next_session_leaves_what_an_undisturbed_one_does) {
  sweep([&](World& world, std::size_t number) {
    world.calls.fail(number, {Fault::failed, "on purpose"}, GetParam().loss);
    const api::Report report = attempt(world);
    const bool struck = world.calls.struck();
    ASSERT_EQ(report.exit_code, struck ? ExitCode::failed : ExitCode::done);
    if (!struck) return;
    EXPECT_THAT(report.message, ::testing::HasSubstr("on purpose"));
    EXPECT_THAT(report.databases, IsEmpty());
    const testing::SourceDatabase& source = world.source["shop"];
    const testing::TargetDatabase& target = world.target["shop"];
    EXPECT_TRUE(source.slot != 0 || !target.complete || target.released) << "a stream without its slot";
    EXPECT_TRUE(source.slot == 0 || target.slot == testing::slot_name(source.slot)) << "a slot without a stream";
    expect_the_next_one_to_complete(world);
  });
}

TEST_P(EveryCallOfASession, may_fail_for_a_moment_and_the_session_itself_gets_over_it) {
  sweep([&](World& world, std::size_t number) {
    world.calls.fail(number, {Fault::transient, "on purpose"}, GetParam().loss);
    const api::Report report = attempt(world);
    ASSERT_EQ(report.exit_code, ExitCode::done) << report.message;
    EXPECT_EQ(world.target["shop"].contents(), undisturbed_);
    EXPECT_EQ(report.databases.size(), 1U);
    EXPECT_EQ(world.source["shop"].slot != 0, GetParam().is_followed);
    ASSERT_EQ(report.findings.size(), 1U) << "what was found is told once";
    EXPECT_EQ(report.findings.front().code, "UnloggedTable");
  });
}

TEST_P(EveryCallOfASession, may_meet_a_stop_and_the_next_session_completes) {
  sweep([&](World& world, std::size_t number) {
    std::stop_source stop;
    world.calls.before(number, [&] { stop.request_stop(); });
    const api::Report report = attempt(world, {Deadline::never(), stop.get_token()});
    if (!world.calls.struck()) return;
    ASSERT_EQ(report.exit_code, ExitCode::failed);
    EXPECT_EQ(report.reason, "Stopped");
    expect_the_next_one_to_complete(world);
  });
}

TEST_P(EveryCallOfASession, may_meet_another_engine_and_nothing_is_written_from_then_on) {
  sweep([&](World& world, std::size_t number) {
    std::string before;
    int slot = 0;
    world.calls.before(number, [&] {
      world.take_over("shop");
      slot = world.source["shop"].slot;
      before = world.target["shop"].contents();
    });
    const api::Report report = attempt(world);
    if (!world.calls.struck()) return;
    EXPECT_EQ(world.target["shop"].contents(), before);
    // What is complete was ours until then.
    if (world.calls.count("servers.drop_stream") > 0) return;
    ASSERT_EQ(report.exit_code, ExitCode::fenced);
    EXPECT_EQ(report.reason, "Fenced");
    // Between the last look at the claim and the slot nothing fences; the slot's position gives it away later.
    if (world.calls.names().at(number - 1) == "source.open_snapshot") return;
    EXPECT_EQ(world.source["shop"].slot, slot);
  });
}

// Its connections are ended, and only a new claim tells why.
TEST_P(EveryCallOfASession, may_be_cut_off_by_another_engine_and_the_session_ends_as_fenced) {
  sweep([&](World& world, std::size_t number) {
    world.calls.before(number, [&] { world.take_over("shop"); });
    world.calls.fail(number, {Fault::transient, "terminating connection"});
    const api::Report report = attempt(world);
    if (!world.calls.struck()) return;
    ASSERT_EQ(report.exit_code, ExitCode::fenced);
  });
}

}  // namespace
}  // namespace tributary::pipeline
