#include "engine/pipeline/preview.h"

#include <gmock/gmock.h>

#include "engine/pipeline/testing/fake_servers.h"

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using testing::FakeServers;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::World;

class Preview : public ::testing::Test {
 protected:
  Preview() {
    world.source["shop"] = testing::any_database();
    world.streams = 4;
  }
  void TearDown() override {
    EXPECT_THAT(world.calls.complaints(), IsEmpty());
    EXPECT_EQ(world.connections, 0);
    EXPECT_EQ(world.calls.count("servers.link"), 0U);
    EXPECT_THAT(world.target, IsEmpty());
  }
  Result<SnapshotPlan> plan() {
    FakeServers servers(world);
    return plan_snapshot(servers, board, {});
  }

  World world;
  ProgressBoard board{""};
};

TEST_F(Preview, lists_the_tables_in_the_order_of_their_copy_with_their_parts) {
  const Result<SnapshotPlan> snapshot = plan();
  ASSERT_TRUE(snapshot) << snapshot.error().what;
  EXPECT_EQ(snapshot->parallelism, 4);
  ASSERT_EQ(snapshot->databases.size(), 1U);
  const PlannedDatabase& shop = snapshot->databases.front();
  EXPECT_EQ(shop.source, "shop");
  EXPECT_EQ(shop.target, "shop");
  EXPECT_EQ(shop.steps, 9U);
  EXPECT_GT(shop.time, Seconds(0));
  std::vector<std::string> names;
  for (const PlannedTable& table : shop.tables) names.push_back(table.name);
  EXPECT_THAT(names,
              ElementsAre("public.orders", "public.customers", "public.empty", "public.colours", "public.sizes"));
  EXPECT_EQ(shop.tables[0].parts, 4);
  EXPECT_EQ(shop.tables[1].parts, 1);
}

TEST_F(Preview, plans_for_as_many_streams_as_the_servers_have_room_for) {
  world.streams = 1;
  const Result<SnapshotPlan> snapshot = plan();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->parallelism, 1);
  EXPECT_EQ(snapshot->databases.front().tables.front().parts, 1);
}

TEST_F(Preview, shows_what_it_is_at) {
  ASSERT_TRUE(plan());
  EXPECT_EQ(board.snapshot().phase, api::Phase::preparing);
  EXPECT_EQ(board.snapshot().message, "planning database shop");
}

TEST_F(Preview, lets_the_source_go) {
  ASSERT_TRUE(plan());
  EXPECT_EQ(world.calls.count("source.close_snapshot"), 1U);
}

TEST_F(Preview, hands_over_warnings_and_refuses_with_an_error) {
  std::vector<api::Finding> findings{
      {api::Severity::ok, "SourceReachable", "source", "reached", ""},
      {api::Severity::warning, "CollationDiffers", "shop", "text sorts differently", ""}};
  world.preflight = [&] { return findings; };
  const Result<SnapshotPlan> warned = plan();
  ASSERT_TRUE(warned);
  ASSERT_EQ(warned->findings.size(), 1U);
  EXPECT_EQ(warned->findings.front().code, "CollationDiffers");
  findings.push_back({api::Severity::error, "TargetNotEmpty", "target", "it is not empty", "use another"});
  const Result<SnapshotPlan> refused = plan();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::invalid);
  EXPECT_EQ(refused.error().what, "target: it is not empty");
}

TEST_F(Preview, names_the_database_that_cannot_be_planned) {
  world.source["stock"] = {};
  world.calls.fail("source.schema", {Fault::denied, "no access"});
  const Result<SnapshotPlan> snapshot = plan();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().what, "database shop: no access");
}

TEST_F(Preview, fails_with_whichever_call_fails) {
  plan().value();
  const std::size_t calls = world.calls.count();
  for (std::size_t number = 1; number <= calls; ++number) {
    SCOPED_TRACE("call " + std::to_string(number));
    world.calls.fail(world.calls.count() + number, {Fault::transient, "on purpose"});
    const Result<SnapshotPlan> snapshot = plan();
    ASSERT_FALSE(snapshot);
    EXPECT_EQ(snapshot.error().fault, Fault::transient);
  }
}

}  // namespace
}  // namespace tributary::pipeline
