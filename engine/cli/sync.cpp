#include "engine/pipeline/sync.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {

int sync(const Options& options) {
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::sync::make_sync_servers(options.spec);
    return pipeline::run_sync(options.spec, *servers, options.hold ? pipeline::Manner::hold : pipeline::Manner::follow,
                              board, until);
  });
}

}  // namespace tributary::cli
