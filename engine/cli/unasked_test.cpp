#include "engine/cli/unasked.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "engine/pipeline/session.h"
#include "engine/pipeline/testing/fake_servers.h"

namespace tributary::cli {
namespace {

using pipeline::testing::FakeServers;
using pipeline::testing::World;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const api::Finding unreachable{api::Severity::error, "SourceUnreachable", "source", "no route to host", ""};
const api::Finding drop{api::Severity::warning, "TargetWillBeDropped", "target database shop", "12 tables", ""};

class AnUnaskedRun : public ::testing::Test {
 protected:
  AnUnaskedRun() { world.source["shop"] = pipeline::testing::any_database(); }

  // Whose checks find these, one after the other.
  api::Report run(std::vector<std::vector<api::Finding>> findings) {
    world.preflight = [findings = std::move(findings), next = std::size_t{0}]() mutable {
      return findings[std::min(next++, findings.size() - 1)];
    };
    FakeServers servers(world);
    Unasked unasked(servers);
    pipeline::ProgressBoard board("");
    return pipeline::run_snapshot({}, unasked, board, {}, {.first = Milliseconds(0)});
  }

  World world;
};

TEST_F(AnUnaskedRun, waits_for_a_server_and_then_drops_nothing) {
  const api::Report report = run({{unreachable}, {unreachable, drop}, {drop}});
  EXPECT_EQ(world.calls.count("servers.preflight"), 3U);
  EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration);
  EXPECT_EQ(report.reason, "NotConfirmed");
  EXPECT_THAT(report.message, HasSubstr("target database shop: not confirmed"));
  EXPECT_THAT(world.target, IsEmpty());
}

TEST_F(AnUnaskedRun, copies_where_nothing_has_to_go) {
  const api::Report report = run({{unreachable}, {}});
  EXPECT_EQ(report.reason, "SnapshotComplete") << report.message;
  EXPECT_TRUE(world.target.at("shop").complete);
}

}  // namespace
}  // namespace tributary::cli
