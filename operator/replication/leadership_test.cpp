#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/channel.h"
#include "engine/base/log.h"
#include "operator/api/conditions.h"
#include "operator/kube/fence.h"
#include "operator/kube/kinds.h"
#include "operator/replication/controller.h"
#include "operator/replication/scope.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The whole operator behind a fence.
class LeadershipTest : public ::testing::Test {
 protected:
  LeadershipTest() {
    bed.server.put(kube::kinds::secrets, {{"metadata", {{"namespace", key.space}, {"name", key.name}}}});
    ControllerOptions options{.image = "tributary:test", .workers = 2, .release_key = key, .fence = &fence};
    options.ask = bed.ask_engine();
    options.tell = [this](const std::string&, const std::string&, bool, Until) -> Result<int> {
      ++orders;
      return 202;
    };
    controller = std::make_unique<Controller>(fenced, std::move(options));
  }
  ~LeadershipTest() override { log::write_to({}); }

  void stand_by() {
    const Result<void> filled = controller->fill(Deadline::after(Seconds(10)), {});
    ASSERT_TRUE(filled.ok()) << describe(filled.error());
  }
  void lead() {
    ASSERT_TRUE(fence.extend(SteadyClock::now() + std::chrono::hours(1)));
    const Result<void> working = controller->work({});
    ASSERT_TRUE(working.ok()) << describe(working.error());
  }
  void follow() {
    stand_by();
    lead();
    ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
    bed.succeed();
    ASSERT_TRUE(comes_true([&] { return !bed.deployment().json().is_null(); }));
    bed.answer(following(0));
    bed.run_stream();
    ASSERT_TRUE(comes_true([&] { return bed.reason() == "Following"; }));
  }

  const kube::Key key{"system", "release"};
  Bed bed{"SnapshotAndSync"};
  kube::Fence fence{"system/operator"};
  kube::FencedTransport fenced{*bed.transport, fence};
  std::atomic<int> orders = 0;
  std::unique_ptr<Controller> controller;
};

TEST_F(LeadershipTest, who_stands_by_is_ready_and_changes_nothing) {
  stand_by();
  EXPECT_TRUE(controller->ready());
  EXPECT_EQ(controller->complaint(SteadyClock::now()), std::nullopt);
  EXPECT_THAT(bed.writes(), IsEmpty());
  EXPECT_EQ(controller->work({}).error().fault, Fault::fenced) << "not even its own key is made";
  EXPECT_THAT(bed.writes(), IsEmpty());
}

TEST_F(LeadershipTest, whoever_comes_to_lead_has_seen_everything_already) {
  stand_by();
  bed.server.forget_served();
  lead();
  EXPECT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
  EXPECT_TRUE(comes_true([&] { return bed.reason("CredentialsSynced") == "SecretsFound"; }));
  for (const kube::testing::Served& served : bed.server.served())
    EXPECT_THAT(served.query, ::testing::Not(HasSubstr("limit=500"))) << "a list of " << served.path;
}

TEST_F(LeadershipTest, who_stands_by_queues_nothing) {
  stand_by();
  EXPECT_EQ(controller->queue_figures().added, 0U);
  kube::Queue closed({}, kube::no_meter(), false);
  const Scope scope(*bed.transport, "", closed);
  ASSERT_TRUE(scope.wait_synced(Deadline::after(Seconds(10)), {}));
  for (const char* word : {"one", "another"}) bed.change(Json{{"metadata", {{"labels", {{"word", word}}}}}});
  const std::string version = bed.server.find(replications(), shop).resource_version();
  ASSERT_TRUE(comes_true([&] { return scope.objects().find(shop)->resource_version() == version; }));
  EXPECT_EQ(closed.figures().added, 0U);
  closed.open();
  bed.change(Json{{"metadata", {{"labels", {{"word", "third"}}}}}});
  EXPECT_EQ(closed.take({}), shop);
}

TEST_F(LeadershipTest, who_is_to_end_does_not_wait_for_its_key) {
  stand_by();
  ASSERT_TRUE(fence.extend(SteadyClock::now() + std::chrono::hours(1)));
  std::stop_source stop;
  bed.server.set_fate([&](const kube::testing::Served& served) {
    if (!served.path.ends_with("/secrets/release")) return kube::testing::Misfortune{};
    stop.request_stop();
    return kube::testing::Misfortune{.kind = kube::testing::Misfortune::Kind::stall};
  });
  const Result<void> working = controller->work(stop.get_token());
  ASSERT_FALSE(working.ok());
  EXPECT_EQ(working.error().fault, Fault::cancelled);
}

TEST_F(LeadershipTest, whose_leadership_is_over_changes_nothing_more_and_orders_nothing) {
  follow();
  fence.close({});
  bed.server.forget_served();
  Channel<std::string> lines(1000);
  log::write_to([&](std::string_view line) { lines.offer(std::string(line)); });
  bed.change(Json{{"spec", {{"state", "Stopped"}}}});
  while (lines.take().value().find("fault=fenced") == std::string::npos) {
  }
  const std::vector<std::string> writes = bed.writes();
  EXPECT_EQ(writes, (std::vector<std::string>{"PATCH replications"})) << "that of the test";
  EXPECT_EQ(orders, 0);
}

}  // namespace
}  // namespace tributary::replication
