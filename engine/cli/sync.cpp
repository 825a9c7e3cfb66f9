#include "engine/pipeline/sync.h"
#include "engine/cli/release_order.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {

int sync(const Options& options) {
  ReleaseOrder order(options.spec.release_token_sha256);
  const Work work = [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::sync::make_sync_servers(options.spec);
    const pipeline::Manner manner = options.hold ? pipeline::Manner::hold : pipeline::Manner::follow;
    return until_released(
        order, until,
        [&](const Until& either) { return pipeline::run_sync(options.spec, *servers, manner, board, either); },
        [&](pipeline::Keep keep, const Until& own) {
          return pipeline::run_release(options.spec, *servers, keep, board, own);
        });
  };
  return run(options, work, order.routes());
}

}  // namespace tributary::cli
