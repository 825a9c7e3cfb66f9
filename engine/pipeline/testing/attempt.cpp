#include "engine/pipeline/testing/attempt.h"

#include "engine/pipeline/session.h"
#include "engine/pipeline/testing/fake_servers.h"

namespace tributary::pipeline::testing {

api::Report attempt(World& world, const Until& until, const std::string& replication) {
  api::Spec spec;
  spec.replication = replication;
  spec.mode = world.is_followed ? api::Mode::snapshot_and_sync : api::Mode::snapshot;
  spec.snapshot.stall_timeout = Seconds(0);
  FakeServers servers(world);
  ProgressBoard board("");
  return run_snapshot(spec, servers, board, until, {.first = Milliseconds(0)});
}

}  // namespace tributary::pipeline::testing
